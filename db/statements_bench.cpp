#include "db/statements.hpp"

// What a benchmark asks of a server besides the work itself. How statements are written: statements.cpp.

namespace geartrain::blocking_sql {

const char* const drop_bench_database = "DROP DATABASE IF EXISTS geartrain_bench WITH (FORCE)";
const char* const create_bench_database = "CREATE DATABASE geartrain_bench TEMPLATE template0";
const char* const checkpoint = "CHECKPOINT";
const char* const wal_position = "SELECT (pg_current_wal_insert_lsn() - '0/0')::int8";
const char* const server_version = "SELECT current_setting('server_version')";
const char* const backend_pid = "SELECT pg_backend_pid()";

} // namespace geartrain::blocking_sql
