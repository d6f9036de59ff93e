#include "runtime/cli/doctor_view.hpp"

#include "runtime/api/json_writer.hpp"
#include "runtime/cli/json_fields.hpp"
#include "runtime/cli/table.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace geartrain {

namespace {

constexpr int oldest_version = 150000;
constexpr milliseconds small_skew{1000};
constexpr milliseconds large_skew{5000}; // times of leases and retries are compared with the clocks of nodes

std::string_view to_string(verdict is) {
  return is == verdict::ok ? "ok" : is == verdict::warn ? "warn" : "fail";
}

colour colour_of(verdict is) {
  return is == verdict::ok ? colour::green : is == verdict::warn ? colour::yellow : colour::red;
}

finding judge_version(const checkup_report& report) {
  finding out{"PostgreSQL version", verdict::ok, report.version, {}};
  if (report.version_number < oldest_version) {
    out.is = verdict::fail;
    out.advice = "use PostgreSQL 15 or newer";
  }
  return out;
}

finding judge_schema(const schema_versions& schema) {
  finding out{"schema", verdict::ok, fmt::format("version {}", schema.database), {}};
  if (schema.database == 0)
    out.found = "there is none";
  if (schema.database < schema.program) {
    out.is = verdict::fail;
    out.advice = fmt::format("run `geartrain migrate`; this program needs version {}", schema.program);
  } else if (schema.database > schema.program) {
    out.is = verdict::warn;
    out.advice = fmt::format("this program knows version {} only: update it", schema.program);
  }
  return out;
}

std::vector<finding> judge_durability(const checkup_report& report) {
  finding fsync{"fsync", verdict::ok, report.fsync ? "on" : "off", {}};
  if (!report.fsync) {
    fsync.is = verdict::fail;
    fsync.advice = "set fsync = on: a crash of the server's machine can destroy the database";
  }
  finding commit{"synchronous_commit", verdict::ok, report.synchronous_commit, {}};
  if (report.synchronous_commit == "off") {
    commit.is = verdict::fail;
    commit.advice = "set it to on: a crash of the server loses results that were accepted";
  }
  return {fsync, commit};
}

finding judge_clock(milliseconds ahead) {
  auto off = std::chrono::abs(ahead);
  finding out{
    "clock",
    verdict::ok,
    fmt::format("the server's is {} ms {} of this machine's", off.count(), ahead.count() < 0 ? "behind" : "ahead"),
    {}};
  if (off <= small_skew)
    return out;
  out.is = off > large_skew ? verdict::fail : verdict::warn;
  out.advice = "synchronise the clocks of the database and of all nodes (NTP)";
  return out;
}

finding judge_partitions(const checkup_report& report) {
  if (report.missing_partitions.empty())
    return {"partitions", verdict::ok, "this week's and the next week's are there", {}};
  return {"partitions", verdict::warn, "missing: " + report.missing_partitions,
          "run `geartrain migrate`; rows go to the default partition meanwhile, and retention removes them one by one"};
}

} // namespace

std::vector<finding> judge_database(const checkup_report& report) {
  std::vector<finding> all{
    {"database", verdict::ok, "answers", {}}, judge_version(report), judge_schema(report.schema)};
  for (auto& one : judge_durability(report))
    all.push_back(std::move(one));
  all.push_back(judge_clock(report.clock_ahead));
  if (report.schema.database > 0)
    all.push_back(judge_partitions(report));
  return all;
}

finding judge_no_database(const failure& why) {
  return {"database", verdict::fail, one_line(why.message),
          "start it, or correct --database-url (GEARTRAIN_DATABASE_URL, database.url)"};
}

finding judge_node(const std::string& url, const expected<http_answer>& answer) {
  if (!answer)
    return {"node", verdict::fail, url + ": " + one_line(answer.error().message),
            "start one with `geartrain node`, or name the right one with --url (GEARTRAIN_URL)"};
  auto body = nlohmann::json::parse(answer->body, nullptr, false);
  if (answer->status == 200 && field(body, "status") == "ready")
    return {"node", verdict::ok, url + " is ready, version " + field(member(body, "info"), "version"), {}};
  std::string ailing;
  for (const auto& [name, check] : member(body, "checks").items())
    if (field(check, "status") != "healthy")
      ailing += fmt::format("{}{}: {}", ailing.empty() ? "" : ", ", one_line(name), field(check, "message"));
  if (ailing.empty())
    return {"node", verdict::fail, fmt::format("{} answered {}, which no ready node does", url, answer->status),
            "name a node with --url (GEARTRAIN_URL)"};
  return {"node", verdict::fail, url + " is not ready: " + ailing, "look at its log, and at GET /health/detailed"};
}

bool all_well(const std::vector<finding>& findings) {
  return std::none_of(findings.begin(), findings.end(), [](const finding& one) { return one.is == verdict::fail; });
}

std::string render_findings(const std::vector<finding>& findings, const style& paint) {
  table rows{{"CHECK", "", "FOUND", "WHAT TO DO"}};
  for (const auto& one : findings)
    rows.add({{one.check}, {std::string{to_string(one.is)}, colour_of(one.is)}, {one.found}, {one.advice}});
  return rows.render(paint);
}

std::string findings_json(const std::vector<finding>& findings) {
  json_writer out;
  out.begin_object().field("ok", all_well(findings)).key("checks").begin_array();
  for (const auto& one : findings) {
    out.begin_object().field("name", one.check).field("status", to_string(one.is)).field("found", one.found);
    out.field("advice", one.advice).end_object();
  }
  return out.end_array().end_object().take();
}

} // namespace geartrain
