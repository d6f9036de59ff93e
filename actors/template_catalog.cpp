#include "actors/template_catalog.hpp"

#include "workflow/templates/semver.hpp"

#include <mutex>

namespace geartrain {

bool template_catalog::less_version::operator()(const std::string& a, const std::string& b) const {
  auto order = compare_semver(a, b);
  return order != 0 ? order < 0 : a < b; // build metadata does not order, but names another version
}

void template_catalog::put(template_snapshot definition, std::int64_t activation) {
  std::shared_ptr<const context_validator> validator;
  auto compiled = context_validator::compile(definition->input_schema);
  if (auto* usable = std::get_if<std::shared_ptr<const context_validator>>(&compiled))
    validator = std::move(*usable);
  std::unique_lock guard{mutex_};
  by_id_[definition->id] = definition;
  auto& slot = current_[{definition->namespace_name, definition->name}][definition->version];
  if (activation >= slot.activation)
    slot = {std::move(definition), std::move(validator), activation};
}

std::optional<catalog_entry> template_catalog::find(std::string_view namespace_name, std::string_view name,
                                                    const std::optional<std::string>& version) const {
  std::shared_lock guard{mutex_};
  auto family = current_.find({std::string{namespace_name}, std::string{name}});
  if (family == current_.end() || family->second.empty())
    return std::nullopt;
  if (!version)
    return family->second.rbegin()->second;
  auto found = family->second.find(*version);
  if (found == family->second.end())
    return std::nullopt;
  return found->second;
}

template_snapshot template_catalog::find_by_id(std::int64_t id) const {
  std::shared_lock guard{mutex_};
  auto found = by_id_.find(id);
  return found == by_id_.end() ? template_snapshot{} : found->second;
}

std::vector<template_snapshot> template_catalog::list(const std::optional<std::string>& namespace_name) const {
  std::shared_lock guard{mutex_};
  std::vector<template_snapshot> all;
  for (auto& [key, family] : current_)
    if (!namespace_name || key.first == *namespace_name)
      for (auto& [version, entry] : family)
        all.push_back(entry.definition);
  return all;
}

void template_catalog::saw_all_up_to(std::int64_t activation) {
  std::unique_lock guard{mutex_};
  last_activation_ = std::max(last_activation_, activation);
}

std::int64_t template_catalog::last_activation() const {
  std::shared_lock guard{mutex_};
  return last_activation_;
}

} // namespace geartrain
