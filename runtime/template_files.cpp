#include "runtime/template_files.hpp"

#include "runtime/node.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

namespace geartrain {

namespace fs = std::filesystem;

namespace {

std::string describe(const fs::path& path, const problem& found) {
  auto line = found.line ? fmt::format(":{}", *found.line) : std::string{};
  return fmt::format("{}{}: {}{}{}", path.string(), line, found.path, found.path.empty() ? "" : ": ", found.message);
}

std::vector<std::string> register_one(node& target, template_file file) {
  auto answer = target.register_template(std::move(file.text), file.is_json);
  if (!answer)
    return {fmt::format("{}: {}", file.path.string(), answer.error().message)};
  if (auto done = std::get_if<template_registered>(&*answer)) {
    const auto& definition = *done->definition;
    spdlog::info("template {}/{}/{} is registered from {}", definition.namespace_name, definition.name,
                 definition.version, file.path.string());
    return {};
  }
  std::vector<std::string> lines;
  for (const auto& found : std::get<template_refused>(*answer).found)
    lines.push_back(describe(file.path, found));
  return lines;
}

} // namespace

expected<template_file> read_template_file(const fs::path& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored))
    return failure{errc::invalid, fmt::format("{} is a directory; give a file", path.string())};
  errno = 0;
  std::ifstream in{path, std::ios::binary};
  if (!in)
    return failure{errc::invalid, fmt::format("can't read {}: {}", path.string(), std::strerror(errno))};
  return template_file{path, std::string{std::istreambuf_iterator<char>{in}, {}}, path.extension() == ".json"};
}

expected<std::vector<template_file>> read_template_directory(const fs::path& directory) {
  std::error_code error;
  std::vector<fs::path> paths;
  for (fs::directory_iterator entry{directory, error}, end; !error && entry != end; entry.increment(error)) {
    auto extension = entry->path().extension();
    if (extension == ".yaml" || extension == ".yml" || extension == ".json")
      paths.push_back(entry->path());
  }
  if (error)
    return failure{errc::invalid, fmt::format("can't read the templates in {}: {}; check the path and its rights",
                                              directory.string(), error.message())};
  std::sort(paths.begin(), paths.end());
  std::vector<template_file> files;
  for (const auto& path : paths) {
    auto file = read_template_file(path);
    if (!file)
      return file.error();
    files.push_back(std::move(*file));
  }
  return files;
}

expected<std::size_t> register_template_directory(node& target, const fs::path& directory) {
  auto files = read_template_directory(directory);
  if (!files)
    return files.error();
  std::vector<std::string> complaints;
  for (auto& file : *files)
    for (auto& complaint : register_one(target, std::move(file)))
      complaints.push_back(std::move(complaint));
  if (!complaints.empty())
    return failure{errc::invalid, fmt::format("not every template in {} can be used:\n  {}", directory.string(),
                                              fmt::join(complaints, "\n  "))};
  return files->size();
}

std::optional<fs::path> find_shipped_templates() {
  std::error_code error;
  std::vector<fs::path> places{fs::current_path(error)};
  for (auto at = fs::read_symlink("/proc/self/exe", error).parent_path(); at.has_relative_path(); at = at.parent_path())
    places.push_back(at);
  for (const auto& place : places)
    for (auto below : {"config/templates", "share/geartrain/templates"})
      if (fs::is_directory(place / below, error))
        return place / below;
  return std::nullopt;
}

} // namespace geartrain
