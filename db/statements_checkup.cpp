#include "db/checkup_statements.hpp"

// How statements are written: statements.cpp.

namespace geartrain::checkup_sql {

const char* const settings = R"(
SELECT current_setting('server_version_num')::int4, current_setting('server_version'), current_setting('fsync')::boolean,
       current_setting('synchronous_commit'))";

const char* const server_time = "SELECT clock_timestamp()";

const char* const missing_partitions = R"(
SELECT coalesce(string_agg(part, ', ' ORDER BY part), '')
FROM (SELECT c.relname || '_' || to_char(w.monday + 7 * w.ahead, 'YYYYMMDD') AS part
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
           (SELECT date_trunc('week', now() AT TIME ZONE 'UTC')::date AS monday, ahead FROM generate_series(0, 1) ahead) w
      WHERE n.nspname = 'geartrain' AND c.relkind = 'p') wanted
WHERE to_regclass('geartrain.' || part) IS NULL)";

} // namespace geartrain::checkup_sql
