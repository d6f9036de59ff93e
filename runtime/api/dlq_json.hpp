#pragma once

#include "messages/case_storage.hpp"
#include "messages/storage.hpp"
#include "runtime/api/json_writer.hpp"

#include <string>

// The bodies of /v1/dlq.

namespace geartrain {

void write_case(json_writer& out, const dead_letter_row& row);

std::string cases_json(const list_dead_letters_reply& found);
std::string case_stats_json(const dead_letter_stats_reply& found);
std::string investigation_queue_json(const investigation_queue_reply& found);
std::string staleness_json(const staleness_reply& found, timestamp now);

} // namespace geartrain
