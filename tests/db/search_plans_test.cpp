#include "db/statements.hpp"
#include "tests/db/pool_fixture.hpp"

#include <libpq-fe.h>
#include <nlohmann/json.hpp>

#include <map>
#include <set>

using namespace geartrain;
using namespace geartrain::test;

namespace {

/// 100,000 tasks over ten weeks. The oldest hundred are rare in every respect: nothing that walks from the newest on
/// finds them soon.
void fill(const test_database& database) {
  for (auto* sql : {
         R"(SELECT geartrain.ensure_partitions(timestamptz '2025-11-13' + i * interval '14 days')
            FROM generate_series(0, 4) i)",
         R"(INSERT INTO geartrain.templates (namespace, name, version, digest, document, activation)
            VALUES ('shop', 'order', '1', 'a', '{}', 1), ('rare', 'loan', '1', 'b', '{}', 2))",
         R"(INSERT INTO geartrain.tasks (task_id, template_id, created_at, updated_at, steps_total, partition, state,
                                         priority)
            SELECT (lpad(to_hex(1763000000000 + i * 60000::bigint), 12, '0') || '70008000' || lpad(to_hex(i), 8, '0')
                    || '0000')::uuid,
                   CASE WHEN i <= 100 THEN 2 ELSE 1 END, now(), now(), 4, i % 256, CASE WHEN i <= 50 THEN 9
                   WHEN i <= 100 THEN 3 ELSE 8 END, 0
            FROM generate_series(1, 100000) i)",
         R"(INSERT INTO geartrain.task_inputs
            SELECT task_id, '{}', CASE template_id WHEN 2 THEN 'rare' ELSE 'i' END, 's', 'r',
                   CASE template_id WHEN 2 THEN '{rare,all}' ELSE '{all}' END::text[], task_id, NULL, now()
            FROM geartrain.tasks)",
         "VACUUM ANALYZE geartrain.tasks",
         "VACUUM ANALYZE geartrain.task_inputs",
         "VACUUM ANALYZE geartrain.templates",
       })
    database.query(sql);
}

/// What a page costs, in blocks.
class meter {
public:
  meter(const test_database& database, const std::string& mode) : raw_(PQconnectdb(database.dsn().c_str()), PQfinish) {
    run("SET plan_cache_mode = " + mode);
    run(advise_planner_sql);
  }

  /// `given` is by parameter number; the others let everything pass.
  std::int64_t blocks(statement_id id, std::map<int, std::string> given) {
    auto& s = statement_of(id);
    std::map<int, std::string> values{{11, "now()"},
                                      {12, "'00000000-0000-0000-0000-000000000000'"},
                                      {13, "'ffffffff-ffff-ffff-ffff-ffffffffffff'"},
                                      {14, "25"},
                                      {15, "0"}};
    given.merge(values);
    static const std::vector<std::string> types{"text",        "text", "text",   "int2",        "text",
                                                "text",        "uuid", "text[]", "timestamptz", "timestamptz",
                                                "timestamptz", "uuid", "uuid",   "int8",        "int8"};
    std::string declared;
    std::string literals;
    for (int i = 1; i <= 15; ++i) {
      declared += (i > 1 ? ", " : "") + types[static_cast<std::size_t>(i - 1)];
      literals += (i > 1 ? ", " : "") + (given.contains(i) ? given[i] : "NULL");
    }
    if (prepared_.insert(s.name).second)
      run("PREPARE " + s.name + " (" + declared + ") AS " + s.sql);
    auto text = run("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE " + s.name + " (" + literals + ")");
    auto plan = nlohmann::json::parse(text)[0]["Plan"];
    rows = plan["Actual Rows"];
    return plan["Shared Hit Blocks"].get<std::int64_t>() + plan["Shared Read Blocks"].get<std::int64_t>();
  }

  std::int64_t rows = 0; ///< of the last page

private:
  std::string run(const std::string& sql) {
    std::unique_ptr<PGresult, decltype(&PQclear)> result{PQexec(raw_.get(), sql.c_str()), PQclear};
    REQUIRE_MESSAGE(PQresultStatus(result.get()) != PGRES_FATAL_ERROR, sql.substr(0, 60), ": ",
                    std::string{PQerrorMessage(raw_.get())});
    return PQntuples(result.get()) > 0 ? PQgetvalue(result.get(), 0, 0) : "";
  }

  std::unique_ptr<PGconn, decltype(&PQfinish)> raw_;
  std::set<std::string> prepared_;
};

} // namespace

TEST_SUITE("plans") {
  TEST_CASE("a page of a listing costs about what is on it, rare or common") {
    test_database database;
    fill(database);
    using id = statement_id;
    const std::string middle = "(SELECT task_id FROM geartrain.tasks ORDER BY task_id OFFSET 50000 LIMIT 1)";
    auto below = "'" + database.value(middle) + "'";
    auto correlation = below;
    const std::vector<std::pair<id, std::map<int, std::string>>> pages{
      {id::list_page_all, {}},
      {id::list_page_all, {{13, below}}},
      {id::list_page_open, {{4, "3"}}},
      {id::list_page_open, {{4, "3"}, {1, "'rare'"}}},
      {id::list_page_ended_otherwise, {{4, "9"}}},
      {id::list_page_template, {{1, "'rare'"}}},
      {id::list_page_template, {{2, "'loan'"}}},
      {id::list_page_template, {{1, "'shop'"}}},
      {id::list_page_template, {{1, "'shop'"}, {13, below}}},
      {id::list_page_initiator, {{5, "'rare'"}}},
      {id::list_page_initiator, {{5, "'i'"}}},
      {id::list_page_initiator, {{5, "'i'"}, {13, below}}},
      {id::list_page_tags, {{8, "'{rare}'"}}},
      {id::list_page_correlation, {{7, correlation}}},
    };
    for (auto* mode : {"force_generic_plan", "force_custom_plan", "auto"}) {
      meter of{database, mode};
      for (auto& [page, given] : pages) {
        CAPTURE(std::string{mode});
        CAPTURE(statement_of(page).name);
        CAPTURE(given.empty() ? std::string{"all"} : given.begin()->second);
        CHECK(of.blocks(page, given) < 1500);
        CHECK(of.rows == (page == id::list_page_correlation ? 1 : 25));
      }
    }
  }

} // TEST_SUITE
