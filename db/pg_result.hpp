#pragma once

#include "messages/json_text.hpp"
#include "messages/time.hpp"
#include "messages/uuid.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct pg_result; // libpq's PGresult

namespace geartrain {

/// What the server said against a statement.
struct sql_error {
  std::string state; ///< SQLSTATE, five characters; empty if the error did not come from the server
  std::string message;
};

/// The rows of one statement in binary format. Reading a NULL as a plain value gives zero or an empty text; a wrong
/// type or index is a defect of the caller. Move-only; not thread-safe.
class row_set {
public:
  row_set() = default;
  explicit row_set(::pg_result* raw);

  int size() const;              ///< number of rows
  std::uint32_t touched() const; ///< rows written, as the server counted them

  bool is_null(int row, int column) const;
  bool boolean(int row, int column) const;
  std::int16_t int2(int row, int column) const;
  std::int32_t int4(int row, int column) const;
  std::int64_t int8(int row, int column) const;
  double float8(int row, int column) const;
  timestamp time(int row, int column) const;
  geartrain::uuid id(int row, int column) const;
  std::string_view text(int row, int column) const;
  std::vector<std::string> texts(int row, int column) const;

  std::optional<std::int16_t> optional_int2(int row, int column) const;
  std::optional<std::int64_t> optional_int8(int row, int column) const;
  std::optional<double> optional_float8(int row, int column) const;
  std::optional<timestamp> optional_time(int row, int column) const;
  std::optional<geartrain::uuid> optional_id(int row, int column) const;
  std::optional<std::string> optional_text(int row, int column) const;
  json_text json(int row, int column) const; ///< absent for NULL

private:
  template <class T>
  T number(int row, int column) const;

  struct clear {
    void operator()(::pg_result* raw) const;
  };
  std::unique_ptr<::pg_result, clear> raw_;
};

} // namespace geartrain
