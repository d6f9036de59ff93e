#pragma once

#include "messages/expected.hpp"
#include "messages/json_text.hpp"
#include "messages/task.hpp"

#include <cstdint>
#include <string>
#include <vector>

// What decision and batchable steps say in their results about the steps that follow. Pure; thread-safe.

namespace geartrain {

/// At `decision_point_outcome` of a decision's result. Empty: no branches.
struct decision_outcome {
  std::vector<std::string> step_names;
};

/// At `batch_processing_outcome` of a batchable step's result. No cursors: no batches.
struct batch_outcome {
  std::string worker_template_name; ///< empty: the step has only one, or names it in its initialization
  std::vector<batch_cursor> cursors;
};

/// errc::invalid with a sentence for the author of the handler if the outcome is missing or malformed.
expected<decision_outcome> read_decision_outcome(const json_text& result);
expected<batch_outcome> read_batch_outcome(const json_text& result);

/// True if the result carries the member at all; an operator may leave it out.
bool has_decision_outcome(const json_text& result);
bool has_batch_outcome(const json_text& result);

/// The result of a batchable step as its workers see it: without the list of cursors, which would make what all workers
/// are sent grow with the square of their number.
json_text without_cursors(const json_text& result);

/// The name that a batchable step's initialization gives its workers; empty if it gives none.
std::string worker_named_by(const json_text& initialization);

/// What a batch worker gets: its template's initialization with the batch's part merged over it.
json_text batch_inputs(const task_context& context, std::uint16_t number);

} // namespace geartrain
