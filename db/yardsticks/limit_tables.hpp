#pragma once

namespace geartrain {

/// Makes the tables of the limit in the schema geartrain_yardstick: those of the engine's tables that a task without
/// incidents writes, column for column.
extern const char* const limit_tables_sql;

} // namespace geartrain
