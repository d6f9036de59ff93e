#pragma once

// What a retention run executes on a connection of its own; statements_retention.cpp.

namespace geartrain::retention_sql {

extern const char* const try_lock; ///< for this run alone, until unlock or the connection ends
extern const char* const unlock;
extern const char* const weeks;            ///< uuid bound, timestamptz ended before
extern const char* const archive_page;     ///< uuid from, uuid below, timestamptz, text[] × 5 of names, int8 limit
extern const char* const remove_heads;     ///< uuid bound, timestamptz ended before, int8 limit, uuid after
extern const char* const drop_week;        ///< text monday
extern const char* const sweep_defaults;   ///< uuid bound, int8 limit
extern const char* const sweep_identities; ///< bytea after, uuid bound, int8 limit
extern const char* const sweep_letters;    ///< timestamptz
extern const char* const remove_events;    ///< timestamptz, int8 limit

} // namespace geartrain::retention_sql
