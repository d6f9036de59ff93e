#pragma once

#include "workflow/turn.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

// Values that several benchmarks share. Payloads have the sizes given, in bytes.

namespace geartrain::bench {

/// A moment long ago; no benchmark depends on the clock.
timestamp noon();

/// Ids in ascending order.
task_id task_number(std::uint32_t n);

/// A JSON object of about that many bytes, in members of some 50 bytes.
std::string object_of(std::size_t bytes);

/// The template in a YAML text; ends the program if it is wrong.
template_snapshot template_of(std::string_view yaml);

/// Four steps in a row.
template_snapshot linear_4();

input_snapshot input_of(std::size_t context_bytes);

step_report success_of(const task_id& task, std::uint16_t number, json_text result);

/// One successful result, from its classification to what is written, and the steps that follow made ready.
turn_record run_turn(task_context& context, std::uint16_t number, json_text result, timestamp now);

/// The record of a turn of a task of four steps whose step `number` has ended.
turn_record record_of(const task_id& task, std::uint16_t number, std::size_t result_bytes);

} // namespace geartrain::bench
