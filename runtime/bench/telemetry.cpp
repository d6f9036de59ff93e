#include "runtime/bench/telemetry.hpp"

#include <nlohmann/json.hpp>

namespace geartrain::bench {

using json = nlohmann::json;

namespace {

node_counters counters_in(const json& body) {
  node_counters out;
  const auto& turns = body.at("turns");
  out.outcomes = turns.at("outcomes");
  out.tasks_ended = turns.at("tasks_ended");
  out.turns = turns.at("count");
  out.round_trips = body.at("round_trips");
  for (const auto& operation : body.at("operations")) {
    out.statements += operation.at("statements").get<std::uint64_t>();
    if (operation.at("name") == "commit_turns")
      out.commits = operation.at("round_trips");
  }
  return out;
}

} // namespace

node_counters& node_counters::operator+=(const node_counters& other) {
  outcomes += other.outcomes;
  tasks_ended += other.tasks_ended;
  turns += other.turns;
  round_trips += other.round_trips;
  statements += other.statements;
  commits += other.commits;
  return *this;
}

expected<node_counters> read_counters(event_loop& loop, http_link& link) {
  auto body = call(loop, link, "/v1/telemetry/database");
  if (!body)
    return body.error();
  try {
    return counters_in(json::parse(*body));
  } catch (const json::exception& e) {
    return failure{errc::invalid, std::string{"the node's telemetry can't be understood: "} + e.what()};
  }
}

expected<std::uint64_t> ended_tasks_in(std::string_view body) {
  auto parsed = json::parse(body, nullptr, false);
  if (parsed.is_object() && parsed.contains("tasks_ended") && parsed["tasks_ended"].is_number_unsigned())
    return parsed["tasks_ended"].get<std::uint64_t>();
  return failure{errc::invalid, "the node does not tell how many tasks have ended"};
}

} // namespace geartrain::bench
