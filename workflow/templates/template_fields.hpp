#pragma once

#include "workflow/templates/template_document.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace geartrain {

/// Reads the keys of one mapping of a template and reports what is wrong with them, each with path, line and what to do.
/// A key whose value is null counts as absent. Reading goes on after a problem, with a harmless value in its place.
/// Refers to the document and to the list of problems; not thread-safe.
class template_fields {
public:
  template_fields(const document_node& mapping, std::string path, problems& found)
    : mapping_(&mapping), path_(std::move(path)), found_(&found) {}

  const document_node* find(std::string_view key) const;

  /// As find(), but absence is a problem; `purpose` says what the key is for.
  const document_node* require(std::string_view key, std::string_view purpose) const;

  /// The one of two spellings of a key that is used; both at once is a problem.
  std::string_view pick(std::string_view key, std::string_view alias) const;

  /// A string of 1 to `max_length` characters.
  std::optional<std::string> text(std::string_view key, std::size_t max_length) const;
  std::string required_text(std::string_view key, std::string_view purpose, std::size_t max_length) const;

  /// A string of any length, also an empty one.
  std::string free_text(std::string_view key) const;

  std::optional<std::int64_t> integer(std::string_view key, std::int64_t min, std::int64_t max) const;
  std::optional<bool> boolean(std::string_view key) const;

  /// One of `names`, as its index.
  std::optional<std::size_t> choice(std::string_view key, std::span<const std::string_view> names) const;

  std::optional<template_fields> mapping(std::string_view key) const;

  /// The items of a list; null if the key is absent or is no list (reported).
  const document_node::sequence* list(std::string_view key) const;

  const document_node& node() const { return *mapping_; }
  const std::string& path() const { return path_; }
  std::string path_of(std::string_view key) const;
  std::string path_of(std::string_view key, std::size_t index) const;
  problems& found() const { return *found_; }

  /// A problem with the value of `key`.
  void report(std::string_view key, const document_node& at, std::string message) const;

  /// The fields of an item of a list, or nothing if it is no mapping (reported).
  std::optional<template_fields> item(std::string_view key, std::size_t index, const document_node& value) const;

private:
  std::optional<std::string> checked_text(std::string_view key, const document_node& value,
                                          std::size_t max_length) const;

  const document_node* mapping_;
  std::string path_;
  problems* found_;
};

/// `must be <wanted>, not <what it is>`, with a hint about quotes where they are the cause.
std::string wrong_type(std::string_view wanted, const document_node& actual);

/// "a, b, c"
std::string join_names(std::span<const std::string_view> names);

} // namespace geartrain
