#pragma once

#include <span>

namespace geartrain {

/// Makes the tables of the reference pattern in the schema geartrain_yardstick.
extern const char* const reference_tables_sql;

struct named_sql {
  const char* name;
  const char* sql;
};

/// The statements of the reference pattern under the names that they are prepared as.
std::span<const named_sql> reference_statements();

} // namespace geartrain
