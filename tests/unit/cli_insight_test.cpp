#include "runtime/cli/doctor_view.hpp"
#include "runtime/cli/top_view.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace geartrain {
namespace {

using json = nlohmann::json;

checkup_report good() {
  checkup_report report;
  report.version_number = 150014;
  report.version = "15.14";
  report.synchronous_commit = "on";
  report.schema = {5, 5};
  return report;
}

finding check_named(const std::vector<finding>& findings, const std::string& name) {
  auto found = std::find_if(findings.begin(), findings.end(), [&](const finding& one) { return one.check == name; });
  REQUIRE(found != findings.end());
  return *found;
}

expected<http_answer> answer(unsigned status, const std::string& body) {
  return http_answer{status, body};
}

json histogram(int count, int sum) {
  return {{"count", count}, {"sum", sum}, {"buckets", json::array()}};
}

telemetry_look look(int times) {
  json commits{{"name", "commit_turns"},
               {"units", 40 * times},
               {"round_trips", 10 * times},
               {"errors", 0},
               {"batch_size", histogram(10 * times, 40 * times)},
               {"queue_wait_us", histogram(40 * times, 20000 * times)},
               {"execution_us", histogram(10 * times, 15000 * times)}};
  json idle{{"name", "ping"}, {"units", 3}, {"round_trips", 3}, {"errors", 0}};
  json turns{{"count", 20 * times}, {"outcomes", 40 * times}, {"conflicts", 0}, {"tasks_ended", 8 * times}};
  json database{{"round_trips", 10 * times},
                {"exchanges", 8 * times},
                {"connections_up", 2},
                {"in_flight", 1},
                {"queued", 5},
                {"reconnects", 0},
                {"rejected", 7},
                {"turns", turns},
                {"operations", {commits, idle}}};
  json actor{{"type", "db"},           {"instances", 1},     {"restarts", 0},
             {"handled", 100 * times}, {"mailbox_depth", 3}, {"handling_us", histogram(100 * times, 5000 * times)}};
  return {database, {{"actors", json::array({actor})}}};
}

} // namespace

TEST_CASE("doctor: a good database has nothing to be done about") {
  auto findings = judge_database(good());
  CHECK(all_well(findings));
  CHECK(render_findings(findings, style{}) ==
        R"(CHECK                   FOUND                                         WHAT TO DO
database            ok  answers
PostgreSQL version  ok  15.14
schema              ok  version 5
fsync               ok  on
synchronous_commit  ok  on
clock               ok  the server's is 0 ms ahead of this machine's
partitions          ok  this week's and the next week's are there
)");
}

TEST_CASE("doctor: what is wrong, how bad it is, and what to do") {
  auto judged = [](auto spoil, const std::string& name) {
    auto report = good();
    spoil(report);
    return check_named(judge_database(report), name);
  };
  auto old = judged([](auto& r) { r.version_number = 140011; }, "PostgreSQL version");
  CHECK(old.is == verdict::fail);
  CHECK(old.advice == "use PostgreSQL 15 or newer");
  CHECK(judged([](auto& r) { r.fsync = false; }, "fsync").is == verdict::fail);
  CHECK(judged([](auto& r) { r.synchronous_commit = "off"; }, "synchronous_commit").is == verdict::fail);
  CHECK(judged([](auto& r) { r.synchronous_commit = "local"; }, "synchronous_commit").is == verdict::ok);
  auto none = judged([](auto& r) { r.schema.database = 0; }, "schema");
  CHECK(none.is == verdict::fail);
  CHECK(none.found == "there is none");
  CHECK(none.advice == "run `geartrain migrate`; this program needs version 5");
  CHECK(judged([](auto& r) { r.schema.database = 4; }, "schema").is == verdict::fail);
  CHECK(judged([](auto& r) { r.schema.database = 6; }, "schema").is == verdict::warn);
  CHECK(judged([](auto& r) { r.missing_partitions = "attempts_20261130"; }, "partitions").is == verdict::warn);
  CHECK(judged([](auto& r) { r.clock_ahead = milliseconds{-1000}; }, "clock").is == verdict::ok);
  CHECK(judged([](auto& r) { r.clock_ahead = milliseconds{-1001}; }, "clock").is == verdict::warn);
  auto far = judged([](auto& r) { r.clock_ahead = milliseconds{-7000}; }, "clock");
  CHECK(far.is == verdict::fail);
  CHECK(far.found == "the server's is 7000 ms behind of this machine's");
}

TEST_CASE("doctor: nodes") {
  auto ready = judge_node("http://a", answer(200, R"({"status":"ready","info":{"version":"0.1.0"}})"));
  CHECK(ready.is == verdict::ok);
  CHECK(ready.found == "http://a is ready, version 0.1.0");
  auto ill = judge_node("http://a", answer(503, R"({"status":"not_ready","checks":{"database":
    {"status":"unhealthy","message":"0 connections up"},"engine":{"status":"healthy","message":"running"}}})"));
  CHECK(ill.is == verdict::fail);
  CHECK(ill.found == "http://a is not ready: database: 0 connections up");
  CHECK(judge_node("http://a", answer(404, "<html>")).found == "http://a answered 404, which no ready node does");
  CHECK(judge_node("http://a", failure{errc::unavailable, "can't reach http://a"}).is == verdict::fail);
  CHECK_FALSE(all_well({ill}));
  CHECK(all_well({{"x", verdict::warn, "", ""}}));
  CHECK(json::parse(findings_json({ill}))["checks"][0]["status"] == "fail");
  CHECK(json::parse(findings_json({ill}))["ok"] == false);
}

TEST_CASE("top: rates are what the counters did between two looks") {
  CHECK("\n" + render_frame("top", look(1), look(3), milliseconds{2000}, style{}) == R"(
top

results/s      40.0
turns/s        20.0, 2.00 results each
tasks ended/s  8.0
round trips/s  10.0 in 8.0 exchanges
database       2 connections, 1 units with the server, 5 waiting
rejected       7

OPERATION     ROUND TRIPS/S  UNITS/S  BATCH  WAITS    TAKES    ERRORS
commit_turns  10.0           40.0     4.00   0.50 ms  1.50 ms  0

ACTOR  ALIVE  MESSAGES/S  HANDLING  MAILBOX  RESTARTS
db     1      100.0       0.05 ms   3        0
)");
  auto frame = json::parse(frame_json(look(1), look(3), milliseconds{2000}));
  CHECK(frame["interval_ms"] == 2000);
  CHECK(frame["rates"] == json{{"results", 40.0}, {"turns", 20.0}, {"tasks_ended", 8.0}, {"round_trips", 10.0}});
  CHECK(frame["database"]["queued"] == 5);
  CHECK(frame["actors"][0]["type"] == "db");
}

TEST_CASE("top: a node that began again, one that is idle, and answers that are something else") {
  auto frame = json::parse(frame_json(look(3), look(1), milliseconds{1000}));
  CHECK(frame["rates"]["results"] == 40.0);
  CHECK(render_frame("top", look(2), look(2), milliseconds{1000}, style{}).find("the database has nothing to do") !=
        std::string::npos);
  telemetry_look other{json::array({1}), "text"};
  CHECK(json::parse(frame_json(other, other, milliseconds{0}))["rates"]["results"] == 0.0);
  CHECK_FALSE(render_frame("top", other, other, milliseconds{0}, style{}).empty());
}

} // namespace geartrain
