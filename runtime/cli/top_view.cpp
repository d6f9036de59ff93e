#include "runtime/cli/top_view.hpp"

#include "runtime/cli/json_fields.hpp"
#include "runtime/cli/table.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace geartrain {

namespace {

using json = nlohmann::json;

/// The entry of a list of objects whose `key` is `name`; null if there is none.
const json& entry(const json& list, const char* key, const std::string& name) {
  static const json none;
  if (!list.is_array())
    return none;
  auto found = std::find_if(list.begin(), list.end(), [&](const json& one) { return field(one, key) == name; });
  return found == list.end() ? none : *found;
}

/// What counters did between two looks. A node that was restarted meanwhile begins again with 0: then all it has.
class change {
public:
  change(const json& before, const json& now, milliseconds between)
    : before_(before), now_(now), seconds_(std::max(0.001, static_cast<double>(between.count()) / 1000)) {}

  std::int64_t of(const char* key) const {
    auto now = number(now_, key);
    auto before = number(before_, key);
    return now >= before ? now - before : now;
  }

  double rate(const char* key) const { return static_cast<double>(of(key)) / seconds_; }

  change inside(const char* key) const { return {member(before_, key), member(now_, key), seconds_}; }

  /// Of a histogram: the mean of what came in between, in milliseconds; "-" if nothing did.
  std::string mean_ms() const {
    auto count = of("count");
    return count == 0 ? "-"
                      : fmt::format("{:.2f} ms", static_cast<double>(of("sum")) / static_cast<double>(count) / 1000);
  }

private:
  change(const json& before, const json& now, double seconds) : before_(before), now_(now), seconds_(seconds) {}

  const json& before_;
  const json& now_;
  double seconds_;
};

std::string ratio(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? "-" : fmt::format("{:.2f}", static_cast<double>(part) / static_cast<double>(whole));
}

std::string per_second(double rate) {
  return rate == 0 ? "-" : fmt::format("{:.1f}", rate);
}

void add_turns(std::string& out, const change& database, const style& paint) {
  auto turns = database.inside("turns");
  add_line(out, "results/s", fmt::format("{:.1f}", turns.rate("outcomes")), paint, colour::bold);
  add_line(out, "turns/s",
           fmt::format("{:.1f}, {} results each", turns.rate("count"), ratio(turns.of("outcomes"), turns.of("count"))),
           paint);
  add_line(out, "tasks ended/s", fmt::format("{:.1f}", turns.rate("tasks_ended")), paint);
  add_line(out, "round trips/s",
           fmt::format("{:.1f} in {:.1f} exchanges", database.rate("round_trips"), database.rate("exchanges")), paint);
}

void add_state(std::string& out, const json& database, const style& paint) {
  auto up = number(database, "connections_up");
  add_line(out, "database",
           fmt::format("{} connections, {} units with the server, {} waiting", up, number(database, "in_flight"),
                       number(database, "queued")),
           paint, up > 0 ? colour::none : colour::red);
  auto trouble = [&](std::string_view name, std::int64_t count) {
    if (count > 0)
      add_line(out, name, std::to_string(count), paint, colour::yellow);
  };
  trouble("conflicts", number(member(database, "turns"), "conflicts"));
  trouble("reconnects", number(database, "reconnects"));
  trouble("rejected", number(database, "rejected"));
}

std::string operations(const json& before, const json& now, milliseconds between, const style& paint) {
  table rows{{"OPERATION", "ROUND TRIPS/S", "UNITS/S", "BATCH", "WAITS", "TAKES", "ERRORS"}};
  for (const auto& one : member(now, "operations")) {
    auto name = field(one, "name");
    change its{entry(member(before, "operations"), "name", name), one, between};
    if (its.of("units") == 0 && its.of("round_trips") == 0)
      continue;
    auto errors = number(one, "errors");
    rows.add({{name},
              {per_second(its.rate("round_trips"))},
              {per_second(its.rate("units"))},
              {ratio(its.inside("batch_size").of("sum"), its.inside("batch_size").of("count"))},
              {its.inside("queue_wait_us").mean_ms()},
              {its.inside("execution_us").mean_ms()},
              {std::to_string(errors), errors > 0 ? colour::red : colour::none}});
  }
  return rows.empty() ? "the database has nothing to do\n" : rows.render(paint);
}

std::string actors(const json& before, const json& now, milliseconds between, const style& paint) {
  table rows{{"ACTOR", "ALIVE", "MESSAGES/S", "HANDLING", "MAILBOX", "RESTARTS"}};
  for (const auto& one : member(now, "actors")) {
    auto type = field(one, "type");
    change its{entry(member(before, "actors"), "type", type), one, between};
    auto restarts = number(one, "restarts");
    rows.add({{type},
              {field(one, "instances")},
              {per_second(its.rate("handled"))},
              {its.inside("handling_us").mean_ms()},
              {field(one, "mailbox_depth")},
              {std::to_string(restarts), restarts > 0 ? colour::red : colour::none}});
  }
  return rows.render(paint);
}

} // namespace

std::string frame_json(const telemetry_look& before, const telemetry_look& now, milliseconds between) {
  change database{before.database, now.database, between};
  auto turns = database.inside("turns");
  return dump_json({{"interval_ms", between.count()},
                    {"rates",
                     {{"results", turns.rate("outcomes")},
                      {"turns", turns.rate("count")},
                      {"tasks_ended", turns.rate("tasks_ended")},
                      {"round_trips", database.rate("round_trips")}}},
                    {"database", now.database},
                    {"actors", member(now.actors, "actors")}});
}

std::string render_frame(const std::string& title, const telemetry_look& before, const telemetry_look& now,
                         milliseconds between, const style& paint) {
  auto out = paint.paint(colour::bold, title) + "\n\n";
  add_turns(out, {before.database, now.database, between}, paint);
  add_state(out, now.database, paint);
  out += "\n" + operations(before.database, now.database, between, paint);
  return out + "\n" + actors(before.actors, now.actors, between, paint);
}

} // namespace geartrain
