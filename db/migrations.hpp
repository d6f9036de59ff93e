#pragma once

#include <span>

namespace geartrain {

/// One step of the schema; the text of db/migrations/NNNN_name.sql. Expand-only: a migration adds what older nodes can
/// ignore.
struct migration {
  int version;      ///< NNNN
  const char* name; ///< NNNN_name
  const char* sql;  ///< one or more statements, run in one transaction
};

/// All migrations, ascending and without gaps from 1.
std::span<const migration> migrations();

} // namespace geartrain
