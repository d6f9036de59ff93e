#pragma once

#include "workflow/templates/template_steps.hpp"

#include <optional>
#include <vector>

namespace geartrain {

/// The worker_template_name in the initialization of a handler. Its name is empty if the value is no string.
std::optional<step_reference> read_planned_worker(const template_fields& initialization);

/// Checks what `worker_template_name` means for those of `planners` that are batchable: it must name a step of type
/// batch_worker that depends on the batchable step.
void check_planned_worker(const step_reference& worker, const std::vector<std::uint16_t>& planners,
                          const std::vector<parsed_step>& steps, const step_index& index, problems& found);

/// Checks that worker templates name batch_worker steps and that every batch_worker depends on a batchable step.
void check_workers(const std::vector<parsed_step>& steps, const step_index& index, problems& found);

} // namespace geartrain
