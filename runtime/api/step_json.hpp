#pragma once

#include "messages/worker.hpp"
#include "runtime/api/json_writer.hpp"

#include <string>

namespace geartrain {

class token_mint;

/// W3C trace context of an attempt: the trace is the task's correlation id, the parent is the step.
std::string traceparent_of(const uuid& correlation_id, const step_id& step);

/// A step as a worker gets it from a poll.
void write_leased_step(json_writer& out, const leased_step& leased, const token_mint& mint);

} // namespace geartrain
