#pragma once

#include "messages/template.hpp"
#include "workflow/templates/context_validator.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace geartrain {

/// A revision together with the compiled form of its input schema.
struct catalog_entry {
  template_snapshot definition;
  std::shared_ptr<const context_validator> validator;
  std::int64_t activation = 0;
};

/// Every known template revision, shared by all actors and the HTTP threads. Holds copies of committed rows only.
/// Thread-safe; readers never wait for the database.
class template_catalog {
public:
  /// Adds a revision; the one with the greatest activation becomes the current one of its version.
  void put(template_snapshot definition, std::int64_t activation);

  /// The current revision; `version` absent: of the newest version by semantic version.
  std::optional<catalog_entry> find(std::string_view namespace_name, std::string_view name,
                                    const std::optional<std::string>& version) const;

  /// A pinned revision by its storage key.
  template_snapshot find_by_id(std::int64_t id) const;

  /// The current revision of every version, ordered by namespace, name and version (oldest first).
  std::vector<template_snapshot> list(const std::optional<std::string>& namespace_name) const;

  /// Every revision up to this activation has been put in.
  void saw_all_up_to(std::int64_t activation);

  /// Up to which activation nothing is missing; what fetch_templates_unit::since takes. Revisions that came one by one,
  /// by a registration here or by their key, may lie beyond it.
  std::int64_t last_activation() const;

private:
  struct less_version {
    bool operator()(const std::string& a, const std::string& b) const;
  };
  using versions = std::map<std::string, catalog_entry, less_version>;

  mutable std::shared_mutex mutex_;
  std::map<std::pair<std::string, std::string>, versions> current_; // by (namespace, name)
  std::unordered_map<std::int64_t, template_snapshot> by_id_;
  std::int64_t last_activation_ = 0;
};

} // namespace geartrain
