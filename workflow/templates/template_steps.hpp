#pragma once

#include "messages/template.hpp"
#include "workflow/templates/template_fields.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace geartrain {

/// A reference from one step to another, as it stands in the document.
struct step_reference {
  std::string name;
  std::string path;
  std::optional<int> line;
};

/// One step as the document has it: everything but the links to other steps.
struct parsed_step {
  step_definition definition; ///< without what comes from the links
  nlohmann::json document;    ///< canonical form, without dependencies
  std::string path;
  std::optional<int> line;
  std::optional<int> name_line;
  std::string dependencies_path;
  std::optional<int> dependencies_line;
  std::vector<step_reference> dependencies;
  std::optional<step_reference> worker_template; ///< of batch_config
  std::optional<step_reference> planned_worker;  ///< worker_template_name of a batchable step
};

/// Reads the list `steps`. Problems of a single step and names that are used twice are reported.
std::vector<parsed_step> read_steps(const template_fields& root);

/// Step names to indices; of names that are used twice the first counts.
using step_index = std::unordered_map<std::string_view, std::uint16_t>;
step_index index_steps(const std::vector<parsed_step>& steps);

} // namespace geartrain
