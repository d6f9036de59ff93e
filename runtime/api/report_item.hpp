#pragma once

#include "messages/time.hpp"
#include "messages/worker.hpp"
#include "runtime/api/json_view.hpp"
#include "runtime/api/json_writer.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace geartrain {

class token_mint;

/// One item of `results`: either a report, or what is wrong with it. A bad item never spoils its neighbours.
struct report_item {
  std::optional<std::string> step_uuid; ///< as given, for the answer; nothing if it was no short text
  std::optional<step_report> report;
  std::string invalid;
};

/// What reading an item needs to know.
struct report_reading {
  const token_mint& mint;
  std::string_view worker;
  milliseconds max_delay; ///< cap for a delay that a server asked for
  timestamp now;          ///< what a Retry-After date is compared with
};

report_item read_report(const json_view& item, const report_reading& context);

/// The step id and token of an item, checked against each other; `invalid` says what is wrong otherwise.
struct lease_item {
  std::optional<std::string> step_uuid;
  std::optional<lease_token> token;
  std::string invalid;
};

lease_item read_lease(const json_view& item, const token_mint& mint);

/// One item of a heartbeat's `leases`; with a checkpoint it is a report, too.
struct heartbeat_item {
  lease_item lease;
  std::optional<step_report> checkpoint;
};

heartbeat_item read_heartbeat(const json_view& item, const report_reading& context);

/// Appends {"step_uuid":…,"status":…,"message"?:…}.
void write_item_answer(json_writer& out, const std::optional<std::string>& step_uuid, std::string_view status,
                       std::string_view message);

} // namespace geartrain
