#pragma once

#include "runtime/cli/json_fields.hpp"
#include "runtime/cli/step_tree.hpp"
#include "runtime/cli/style.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

// Turns the server's JSON into text for people. Pure functions; absent or mistyped fields show as "-" or not at all.

namespace geartrain {

/// The head of a task: a line per field.
std::string render_task(const nlohmann::json& task, const style& paint);

/// The answer of a list of tasks, and on its last line the page.
std::string render_task_list(const nlohmann::json& answer, const style& paint);

/// The answer of a list of steps, as a table.
std::string render_step_list(const nlohmann::json& steps, const style& paint);

/// One step in full.
std::string render_step(const nlohmann::json& step, const style& paint);

/// Rows for render_step_tree(): the list of steps, with the dependencies of the template's details (or null).
std::vector<tree_step> tree_of(const nlohmann::json& steps, const nlohmann::json& template_details);

/// True for a state in which nothing more happens.
bool is_over(std::string_view task_status);

} // namespace geartrain
