#pragma once

#include "messages/expected.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace geartrain {

class node;

struct template_file {
  std::filesystem::path path;
  std::string text;
  bool is_json = false; ///< by its name: *.json; anything else is YAML
};

/// errc::invalid, with the path and the reason, if it can't be read.
expected<template_file> read_template_file(const std::filesystem::path& path);

/// The templates of a directory (*.yaml, *.yml, *.json, not below it) by name. errc::invalid if it can't be read.
expected<std::vector<template_file>> read_template_directory(const std::filesystem::path& directory);

/// Registers all templates of a directory with a node of this process and gives their number. errc::invalid names every
/// problem of every file; the good ones are registered nevertheless. Blocking.
expected<std::size_t> register_template_directory(node& target, const std::filesystem::path& directory);

/// Where the shipped templates are: `config/templates` or `share/geartrain/templates` in the working directory, beside the
/// running program or above it. Nothing if there is none.
std::optional<std::filesystem::path> find_shipped_templates();

} // namespace geartrain
