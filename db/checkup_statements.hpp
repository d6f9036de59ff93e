#pragma once

// What `geartrain doctor` asks a server; statements_checkup.cpp.

namespace geartrain::checkup_sql {

extern const char* const settings;           ///< version as number and text, fsync, synchronous_commit
extern const char* const server_time;        ///< timestamptz
extern const char* const missing_partitions; ///< of this week and the next: their names, in one text

} // namespace geartrain::checkup_sql
