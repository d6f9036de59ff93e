#include "db/blocking_session.hpp"
#include "db/retention.hpp"
#include "tests/db/pool_fixture.hpp"

#include <nlohmann/json.hpp>
#include <zlib.h>

#include <fstream>
#include <sstream>
#include <thread>

using namespace geartrain;
using namespace geartrain::test;

namespace {

constexpr std::int64_t november = 1'763'000'000; // 2025-11-13, in the week of the 10th
constexpr std::int64_t december = 1'766'500'000; // 2025-12-23, in the week of the 22nd
constexpr std::int64_t new_year = 1'767'000'000; // 2025-12-29, in a week that is only partly old
constexpr std::int64_t today = 1'769'904'000;    // 2026-02-01; thirty days before is the 2nd of January

/// Tasks of three weeks.
struct history {
  pool_fixture f;
  std::vector<task_id> finished; ///< of the two old weeks
  task_id open;                  ///< of the first week
  task_id late;                  ///< of the first week, ended a few days ago
  task_id young;                 ///< of the third week, ended long ago

  history() {
    for (auto second : {november, december, new_year})
      f.database().query("SELECT geartrain.ensure_partitions(to_timestamp($1))", {std::to_string(second)});
    auto shop = f.ask<put_template_reply>(some_template())->id;
    for (int i = 0; i < 3; ++i)
      finished.push_back(make(november + i, shop, november + 60));
    finished.push_back(make(december, shop, december + 60));
    open = make(november + 10, shop, {});
    late = make(november + 11, shop, today - 86400);
    young = make(new_year, shop, new_year + 60);
  }

  task_id make(std::int64_t created, std::int64_t shop, std::optional<std::int64_t> ended) {
    static int number = 0;
    auto unit = creation(new_task_id(created), identity_of(++number), shop);
    auto input = sample_input();
    input.context = json_text{"{\"a\":\n 1}"};
    unit.input = input_snapshot{input};
    unit.now = at_second(created);
    REQUIRE(f.ask<create_task_reply>(unit)->created);
    auto turn = turn_of(unit.id, 0, {success(1)});
    turn.record.now = at_second(created + 1);
    task_fact paused;
    paused.kind = fact_kind::task_paused;
    paused.who = "ann";
    turn.record.appended.facts = {paused, paused};
    turn.record.appended.checkpoints = {{2, 1, 5, false, 0, at_second(created), json_text{"{}"}}};
    turn.record.appended.dead_letters = {{new_task_id(created),
                                          dead_letter_reason::manual_dlq,
                                          task_state::steps_in_process,
                                          at_second(created),
                                          json_text{"{}"},
                                          {}}};
    turn.record.appended.events = {{1, "paid", delivery_mode::durable, at_second(created), json_text{"{}"}}};
    if (ended) {
      turn.record.state = task_state::complete;
      turn.record.completed_at = at_second(*ended);
    }
    REQUIRE(f.ask<commit_turn_reply>(turn)->committed);
    refused_report report{{make_step_id(unit.id, 1), 1, 0, 1, 9, at_second(1)}, "late", true, at_second(created)};
    REQUIRE(f.ask<unit_done>(record_refused_unit{{report}}));
    return unit.id;
  }

  retention_options options(std::int64_t now = today) const {
    retention_options o;
    o.dsn = f.database().dsn();
    o.now = at_second(now);
    o.batch = 2;
    return o;
  }

  long long count(const std::string& table, const std::string& where = "true") const {
    return f.database().number("SELECT count(*) FROM geartrain." + table + " WHERE " + where);
  }
};

std::vector<nlohmann::json> lines_of(const std::filesystem::path& path) {
  std::string text;
  auto* file = gzopen(path.c_str(), "rb");
  REQUIRE(file != nullptr);
  std::vector<char> part(65536);
  for (int n = 0; (n = gzread(file, part.data(), static_cast<unsigned>(part.size()))) > 0;)
    text.append(part.data(), static_cast<std::size_t>(n));
  gzclose(file);
  std::vector<nlohmann::json> lines;
  std::istringstream stream{text};
  for (std::string line; std::getline(stream, line);)
    lines.push_back(nlohmann::json::parse(line));
  return lines;
}

} // namespace

TEST_SUITE("retention") {
  TEST_CASE("a plan says what would go and changes nothing") {
    history h;
    auto plan = plan_retention(h.options());
    REQUIRE_MESSAGE(plan, plan.error().message);
    CHECK(plan->ended_before == at_second(today - 30 * 86400));
    CHECK(plan->finished == 4);
    std::string weeks;
    for (auto& week : plan->weeks) {
      if (week.finished + week.remaining > 0)
        weeks += week.monday + " " + std::to_string(week.finished) + "/" + std::to_string(week.remaining) + "; ";
      CHECK(week.bytes > 0);
    }
    CHECK(weeks == "2025-11-10 3/2; 2025-12-22 1/0; ");
    CHECK(h.count("tasks") == 7);
  }

  TEST_CASE("what is finished and old goes; what is open, late or young stays whole") {
    history h;
    auto before = h.f.ask<task_rows_ptr>(load_task_unit{h.open});
    auto report = run_retention(h.options());
    REQUIRE_MESSAGE(report, report.error().message);
    CHECK(report->tasks_removed == 4);
    CHECK(report->tasks_archived == 0);
    CHECK(report->weeks_dropped >= 2);
    CHECK(report->rows_moved == 12); // two tasks: input, attempt, two facts, checkpoint, refused report
    CHECK(report->identities_removed == 4);
    CHECK(report->events_removed == 7);
    CHECK(h.count("tasks") == 3);
    CHECK(h.count("dead_letters") == 3);
    CHECK(h.count("identities") == 3);
    for (auto* table : {"task_inputs", "attempts", "checkpoints", "refused_reports"})
      CHECK(h.count(table) == 3);
    CHECK(h.count("task_facts") == 6);
    CHECK(h.f.database().value("SELECT coalesce(to_regclass('geartrain.attempts_20251110')::text, 'gone')") == "gone");
    CHECK(h.f.database().value("SELECT coalesce(to_regclass('geartrain.attempts_20251229')::text, 'gone')") != "gone");
    auto after = h.f.ask<task_rows_ptr>(load_task_unit{h.open});
    REQUIRE(after);
    CHECK((*after)->attempts.size() == (*before)->attempts.size());
    CHECK((*after)->facts.size() == 2);
    CHECK((*after)->checkpoints.size() == 1);
    CHECK(h.f.ask<commit_turn_reply>(turn_of(h.open, 1, {success(2)}))->committed);
    CHECK(h.f.ask<task_rows_ptr>(load_task_unit{h.finished[0]}).error().code == errc::not_found);
    CHECK(h.f.ask<create_task_reply>(creation(new_task_id(today), identity_of(1)))->created);

    auto again = run_retention(h.options());
    REQUIRE(again);
    CHECK(again->tasks_removed == 0);
    CHECK(again->weeks_dropped == 0);
    auto later = run_retention(h.options(today + 40 * 86400));
    REQUIRE(later);
    CHECK(later->tasks_removed == 2); // the late and the young one
    CHECK(later->rows_swept == 6);    // of the late one, from the default partitions
    CHECK(h.f.ask<task_rows_ptr>(load_task_unit{h.open}));
  }

  TEST_CASE("an archive holds every task that went, one JSON object per line") {
    history h;
    temporary_directory directory;
    auto options = h.options();
    options.archive_dir = directory.path() / "archive";
    auto report = run_retention(options);
    REQUIRE_MESSAGE(report, report.error().message);
    CHECK(report->tasks_archived == 4);
    REQUIRE(report->archives.size() == 2);
    CHECK(report->archives[0].filename() == "tasks-2025-11-10.jsonl.gz");
    auto lines = lines_of(report->archives[0]);
    REQUIRE(lines.size() == 3);
    auto& task = lines[0];
    CHECK(task["task_uuid"] == to_string(h.finished[0]));
    CHECK(task["namespace"] == "shop");
    CHECK(task["name"] == "order");
    CHECK(task["status"] == "complete");
    CHECK(task["context"]["a"] == 1);
    CHECK(task["tags"].size() == 5);
    CHECK(task["attempts"].size() == 1);
    CHECK(task["attempts"][0]["outcome"] == "success");
    CHECK(task["attempts"][0]["result"]["ok"] == true);
    CHECK(task["facts"].size() == 2);
    CHECK(task["facts"][0]["kind"] == "task_paused");
    CHECK(task["facts"][0]["from_state"].is_null());
    CHECK(task["checkpoints"].size() == 1);
    CHECK(task["refused_reports"].size() == 1);
    CHECK(task["dead_letters"][0]["dlq_reason"] == "manual_dlq");
    CHECK(lines_of(report->archives[1]).size() == 1);
    auto files = std::distance(std::filesystem::directory_iterator{*options.archive_dir}, {});
    CHECK(files == 2); // no draft is left
  }

  TEST_CASE("a run that was broken off goes on, and archives never overwrite each other") {
    history h;
    temporary_directory directory;
    auto options = h.options();
    options.archive_dir = directory.path();
    h.f.database().query("DELETE FROM geartrain.tasks WHERE task_id = $1", {to_string(h.finished[0])});
    h.f.database().query("CREATE TABLE geartrain.keep AS SELECT 1"); // nothing of the retention's
    { std::ofstream{directory.path() / "tasks-2025-11-10.jsonl.gz"}; }
    auto report = run_retention(options);
    REQUIRE(report);
    CHECK(report->tasks_removed == 3);
    CHECK(report->archives[0].filename() == "tasks-2025-11-10.2.jsonl.gz");
    CHECK(h.count("attempts") == 3);
    CHECK(h.count("identities") == 3);
  }

  TEST_CASE("without a place for the archive nothing is removed") {
    history h;
    auto options = h.options();
    options.archive_dir = "/proc/nowhere";
    auto report = run_retention(options);
    REQUIRE_FALSE(report);
    CHECK(report.error().code == errc::storage);
    CHECK(h.count("tasks") == 7);
  }

  TEST_CASE("only one run at a time; a reader in the way is waited for") {
    history h;
    auto opened = blocking_session::open(h.f.database().dsn());
    REQUIRE(opened);
    auto& other = *opened;
    REQUIRE(other->run_script("SELECT pg_advisory_lock(1195725396, 4)"));
    CHECK(run_retention(h.options()).error().code == errc::conflict);
    REQUIRE(other->run_script("SELECT pg_advisory_unlock(1195725396, 4)"));
    REQUIRE(other->run_script("BEGIN"));
    REQUIRE(other->run_script("SELECT count(*) FROM geartrain.attempts"));
    std::thread reader{[&] {
      eventually([&] { return h.f.database().number("SELECT count(*) FROM pg_locks WHERE NOT granted") > 0; });
      other->run_script("COMMIT");
    }};
    auto report = run_retention(h.options());
    reader.join();
    REQUIRE_MESSAGE(report, report.error().message);
    CHECK(report->weeks_dropped >= 2);
  }

} // TEST_SUITE
