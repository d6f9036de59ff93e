#pragma once

#include "messages/task.hpp"
#include "runtime/api/json_writer.hpp"

namespace geartrain {

/// True when the step's results are those of a success: of its last attempt, or given by an operator.
bool has_succeeded(const step_record& step);

/// The whole result of what ended last, an attempt or an operator's completion; null before.
void write_results(json_writer& out, const step_record& step, const step_id& id);

} // namespace geartrain
