#include "db/statements.hpp"
#include "tests/db/pool_fixture.hpp"

#include <libpq-fe.h>
#include <nlohmann/json.hpp>

#include <sstream>

using namespace geartrain;
using namespace geartrain::test;

namespace {

constexpr int batch = 64;

/// An array literal with one element per unit of a batch.
std::string array_of(const std::string& element, const std::string& type) {
  std::ostringstream text;
  text << "'{";
  for (int i = 0; i < batch; ++i)
    text << (i > 0 ? "," : "") << element;
  text << "}'::" << type << "[]";
  return text.str();
}

std::string array_of_ids() {
  std::ostringstream text;
  text << "'{";
  for (int i = 0; i < batch; ++i)
    text << (i > 0 ? "," : "") << to_string(new_task_id(1'763'000'000 + i * 1000));
  text << "}'::uuid[]";
  return text.str();
}

std::string type_name(pg_type type) {
  switch (type) {
    case pg_type::boolean:
      return "boolean";
    case pg_type::bytea:
      return "bytea";
    case pg_type::int8:
      return "int8";
    case pg_type::int2:
      return "int2";
    case pg_type::int4:
      return "int4";
    case pg_type::text:
      return "text";
    case pg_type::timestamptz:
      return "timestamptz";
    case pg_type::uuid:
      return "uuid";
    case pg_type::bool_array:
      return "boolean[]";
    case pg_type::bytea_array:
      return "bytea[]";
    case pg_type::int2_array:
      return "int2[]";
    case pg_type::int4_array:
      return "int4[]";
    case pg_type::text_array:
      return "text[]";
    case pg_type::int8_array:
      return "int8[]";
    case pg_type::timestamptz_array:
      return "timestamptz[]";
    case pg_type::uuid_array:
      return "uuid[]";
  }
  return {};
}

std::string sample_of(pg_type type) {
  switch (type) {
    case pg_type::uuid_array:
      return array_of_ids();
    case pg_type::bool_array:
      return array_of("t", "boolean");
    case pg_type::bytea_array:
      return array_of("abc", "bytea");
    case pg_type::int2_array:
      return array_of("3", "int2");
    case pg_type::int4_array:
      return array_of("1", "int4");
    case pg_type::int8_array:
      return array_of("1", "int8");
    case pg_type::text_array:
      return array_of("1", "text");
    case pg_type::timestamptz_array:
      return array_of("2025-11-13", "timestamptz");
    case pg_type::uuid:
      return "'" + to_string(new_task_id()) + "'::uuid";
    case pg_type::timestamptz:
      return "'2025-11-13'::timestamptz";
    case pg_type::boolean:
      return "true";
    default:
      return "'1'::" + type_name(type);
  }
}

/// Plans as the actor's connections get them.
class planner {
public:
  planner(const test_database& database, const std::string& mode)
    : raw_(PQconnectdb(database.dsn().c_str()), PQfinish) {
    run("SET plan_cache_mode = " + mode);
    run(advise_planner_sql);
    for (auto& s : statements()) {
      if (s.sql.starts_with("SET "))
        continue; // has no plan
      std::string types;
      for (auto type : s.types)
        types += (types.empty() ? "(" : ", ") + type_name(type);
      run("PREPARE " + s.name + (types.empty() ? "" : types + ")") + " AS " + s.sql);
    }
  }

  nlohmann::json plan(statement_id id) {
    std::string values;
    for (auto type : statement_of(id).types)
      values += (values.empty() ? "(" : ", ") + sample_of(type);
    auto text = run("EXPLAIN (FORMAT JSON) EXECUTE " + statement_of(id).name + (values.empty() ? "" : values + ")"));
    return nlohmann::json::parse(text);
  }

private:
  std::string run(const std::string& sql) {
    std::unique_ptr<PGresult, decltype(&PQclear)> result{PQexec(raw_.get(), sql.c_str()), PQclear};
    REQUIRE_MESSAGE(PQresultStatus(result.get()) != PGRES_FATAL_ERROR, sql.substr(0, 60), ": ",
                    std::string{PQerrorMessage(raw_.get())});
    return PQntuples(result.get()) > 0 ? PQgetvalue(result.get(), 0, 0) : "";
  }

  std::unique_ptr<PGconn, decltype(&PQfinish)> raw_;
};

/// What in a plan reads a table or an index from end to end.
void find_scans(const nlohmann::json& node, std::vector<std::string>& found) {
  if (node.is_array()) {
    for (auto& part : node)
      find_scans(part, found);
    return;
  }
  if (!node.is_object())
    return;
  auto type = node.value("Node Type", "");
  if (type == "Seq Scan")
    found.push_back("Seq Scan on " + node.value("Relation Name", ""));
  if (node.contains("Index Name") && !node.contains("Index Cond"))
    found.push_back(type + " of all of " + node.value("Index Name", ""));
  for (auto& [key, part] : node.items())
    if (part.is_structured())
      find_scans(part, found);
}

std::string joined(const std::vector<std::string>& found) {
  std::string text;
  for (auto& one : found)
    text += (text.empty() ? "" : ", ") + one;
  return text;
}

std::string scans_of(const nlohmann::json& plan) {
  std::vector<std::string> found;
  find_scans(plan, found);
  return joined(found);
}

/// The loops of a plan that go through all of a batch again for each of its rows.
void find_squares(const nlohmann::json& node, std::vector<std::string>& found) {
  if (node.is_array()) {
    for (auto& part : node)
      find_squares(part, found);
    return;
  }
  if (!node.is_object())
    return;
  if (node.value("Node Type", "") == "Nested Loop") {
    auto& inner = node["Plans"].back();
    auto type = inner.value("Node Type", "");
    if (type == "Function Scan" || type == "CTE Scan" || type == "Materialize")
      found.push_back(type + " inside a loop");
  }
  for (auto& [key, part] : node.items())
    if (part.is_structured())
      find_squares(part, found);
}

std::string squares_of(const nlohmann::json& plan) {
  std::vector<std::string> found;
  find_squares(plan, found);
  return joined(found);
}

/// The part of a plan that has this name, or null.
nlohmann::json part_of(const nlohmann::json& node, const std::string& name) {
  if (node.is_object() && node.value("Subplan Name", "") == name)
    return node;
  nlohmann::json found;
  for (auto& part : node)
    if (part.is_structured() && found.is_null())
      found = part_of(part, name);
  return found;
}

void fill(const test_database& database) {
  for (auto* sql : {
         R"(INSERT INTO geartrain.tasks (task_id, template_id, created_at, updated_at, steps_total, partition,
                                             state, priority)
            SELECT (lpad(to_hex(1763000000000 + i * 1000), 12, '0') || '70008000' || lpad(to_hex(i), 8, '0')
                    || '0000')::uuid,
                   1, now(), now(), 4, i % 256, CASE WHEN i % 50 = 0 THEN 3 ELSE 8 END, 0
            FROM generate_series(1, 100000) i)",
         R"(INSERT INTO geartrain.task_inputs
            SELECT task_id, '{}', 'i', 's', 'r', '{}', task_id, NULL, now() FROM geartrain.tasks)",
         R"(INSERT INTO geartrain.attempts
            SELECT task_id, 1, 1, 1, 1, 1, now(), now(), NULL, 1, 'w', '{}', NULL, NULL, 0 FROM geartrain.tasks)",
         R"(INSERT INTO geartrain.task_facts
            SELECT task_id, 1, 0, 1, 1, now(), '', '', NULL, NULL, '{}' FROM geartrain.tasks)",
         R"(INSERT INTO geartrain.checkpoints
            SELECT task_id, 1, 1, 1, 1, false, now(), '{}', 0 FROM geartrain.tasks)",
         R"(INSERT INTO geartrain.dead_letters (id, task_id, reason, original_state, at, updated_at, status)
            SELECT task_id, task_id, 1, 3, created_at, now(), 1 + state % 2 FROM geartrain.tasks)",
         R"(INSERT INTO geartrain.task_requests (namespace, name, context)
            SELECT 'shop', 'order', '{}' FROM generate_series(1, 1000))",
         R"(INSERT INTO geartrain.identities SELECT sha256(task_id::text::bytea), task_id FROM geartrain.tasks)",
         R"(INSERT INTO geartrain.claims
            SELECT task_id, 1, 1, 1, 1, now(), now(), now(), 'w', 0 FROM geartrain.tasks LIMIT 5000)",
       })
    database.query(sql);
}

void fill_cluster(const test_database& database) {
  database.query("INSERT INTO geartrain.nodes (id, joined_at, beat_at, expires_at, pid, started, wire, draining, name, "
                 "address, url, host) SELECT gen_random_uuid(), now(), now(), now(), i, i, 1, false, i, '', '', '' "
                 "FROM generate_series(1, 200) i");
  database.query("INSERT INTO geartrain.touched_tasks SELECT i % 256, gen_random_uuid() "
                 "FROM generate_series(1, 50000) i");
}

} // namespace

TEST_SUITE("plans") {
  TEST_CASE("no statement of the way of a task ever reads a whole table or index") {
    test_database database;
    SUBCASE("empty tables that nobody has looked at") {}
    SUBCASE("empty tables that were vacuumed and analysed") {
      database.query("VACUUM ANALYZE");
    }
    SUBCASE("100,000 tasks, the statistics still those of the empty tables") {
      database.query("VACUUM ANALYZE");
      fill(database);
    }
    SUBCASE("100,000 tasks, analysed") {
      fill(database);
      database.query("ANALYZE");
    }
    for (auto* mode : {"force_generic_plan", "force_custom_plan"}) {
      planner plans{database, mode};
      for (auto id : {statement_id::append_turns, statement_id::commit_turns, statement_id::commit_full_turns,
                      statement_id::create_plain_tasks, statement_id::create_tasks, statement_id::find_holders,
                      statement_id::sync_claims, statement_id::record_refused, statement_id::read_heads,
                      statement_id::read_attempts, statement_id::read_facts, statement_id::read_checkpoints,
                      statement_id::read_claims}) {
        CAPTURE(mode);
        CAPTURE(statement_of(id).name);
        auto plan = plans.plan(id);
        CHECK(scans_of(plan) == "");
        CHECK(squares_of(plan) == "");
      }
    }
  }

  TEST_CASE("what is looked at now and then reads indexes from a place on") {
    test_database database;
    fill(database);
    database.query("VACUUM ANALYZE");
    for (auto* mode : {"force_generic_plan", "force_custom_plan"}) {
      planner plans{database, mode};
      for (auto id : {statement_id::audit_head, statement_id::audit_rows, statement_id::dead_letters_of,
                      statement_id::add_dead_letter, statement_id::update_dead_letter, statement_id::dead_letter_exists,
                      statement_id::read_events, statement_id::set_pause, statement_id::remove_pause,
                      statement_id::settle_inbox, statement_id::task_performance, statement_id::step_performance}) {
        CAPTURE(mode);
        CAPTURE(statement_of(id).name);
        CHECK(scans_of(plans.plan(id)) == "");
      }
    }
  }

  TEST_CASE("open tasks are read from their own index, in order") {
    test_database database;
    fill(database);
    database.query("VACUUM ANALYZE");
    for (auto* mode : {"force_generic_plan", "force_custom_plan"}) {
      auto plan = planner{database, mode}.plan(statement_id::open_tasks).dump();
      CAPTURE(plan);
      CHECK(plan.find("tasks_open") != std::string::npos);
      CHECK(plan.find("\"Sort\"") == std::string::npos);
    }
  }

  TEST_CASE("beats read as a whole only what has a row for each node or partition") {
    test_database database;
    SUBCASE("empty tables that nobody has looked at") {}
    SUBCASE("many touched tasks and nodes, the statistics still those of the empty tables") {
      database.query("VACUUM ANALYZE");
      fill_cluster(database);
    }
    SUBCASE("many touched tasks and nodes, analysed") {
      fill_cluster(database);
      database.query("ANALYZE");
    }
    for (auto* mode : {"force_generic_plan", "force_custom_plan"}) {
      planner plans{database, mode};
      for (auto id : {statement_id::beat, statement_id::leave, statement_id::touch_tasks, statement_id::read_cluster}) {
        CAPTURE(mode);
        CAPTURE(statement_of(id).name);
        auto plan = plans.plan(id);
        CHECK_FALSE((id == statement_id::beat && part_of(plan, "CTE moved").is_null()));
        CHECK(scans_of(plan).find("touched_tasks") == std::string::npos);
        CHECK(squares_of(plan) == "");
        if (id == statement_id::beat)
          CHECK(scans_of(part_of(plan, "CTE moved")).find("partition_leases") == std::string::npos);
      }
    }
  }

} // TEST_SUITE

TEST_SUITE("hot") {
  TEST_CASE("turns that keep the task open are HOT updates, whatever state they lead to") {
    pool_fixture f;
    constexpr int tasks = 40;
    constexpr std::int32_t turns = 12;
    auto updates = [&](const std::string& column) {
      return f.database().number("SELECT " + column +
                                 " FROM pg_stat_user_tables WHERE relname = 'tasks' AND schemaname = 'geartrain'");
    };
    auto share_of_hot = [&] {
      auto updated = updates("n_tup_upd");
      auto hot = updates("n_tup_hot_upd");
      std::vector<task_id> ids;
      std::vector<create_task_unit> creations;
      for (int i = 0; i < tasks; ++i) {
        ids.push_back(new_task_id());
        creations.push_back(creation(ids.back()));
      }
      f.ask_all<create_task_reply>(creations);
      for (std::int32_t version = 0; version < turns; ++version) {
        std::vector<commit_turn_unit> units;
        for (auto& id : ids) {
          units.push_back(turn_of(id, version, {success(static_cast<std::uint16_t>(version + 1))}));
          if (version % 2 == 1) {
            units.back().record.state = task_state::waiting_for_retry;
            units.back().record.due_at = at_second(1'763'000'000 + version);
          }
        }
        for (auto& answer : f.ask_all<commit_turn_reply>(units))
          REQUIRE(answer->committed);
      }
      // A server process reports its counts when it has been idle for a moment, or at its next turn.
      REQUIRE(eventually([&] {
        f.ask<unit_done>(ping_unit{});
        return updates("n_tup_upd") == updated + tasks * turns;
      }));
      return static_cast<double>(updates("n_tup_hot_upd") - hot) / (tasks * turns);
    };
    // A snapshot that anybody holds, autovacuum for one, keeps old versions and thereby fills the pages; not ten times.
    bool found = false;
    for (int attempt = 0; attempt < 10 && !found; ++attempt)
      found = share_of_hot() >= 0.95;
    CHECK(found);
  }

} // TEST_SUITE
