#pragma once

#include "messages/json_text.hpp"
#include "messages/time.hpp"
#include "messages/uuid.hpp"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace geartrain {

/// Type of a parameter; the numbers are PostgreSQL's own and fixed for ever.
enum class pg_type : std::uint32_t {
  boolean = 16,
  bytea = 17,
  int8 = 20,
  int2 = 21,
  int4 = 23,
  text = 25,
  timestamptz = 1184,
  uuid = 2950,
  bool_array = 1000,
  bytea_array = 1001,
  int2_array = 1005,
  int4_array = 1007,
  text_array = 1009,
  int8_array = 1016,
  timestamptz_array = 1185,
  uuid_array = 2951,
};

/// Writes values in PostgreSQL's binary format (network byte order) at the end of a buffer. Used for both single
/// parameters and array elements; plain functions, thread-safe.
namespace pg_wire {

void put(std::string& out, bool value);
void put(std::string& out, std::int16_t value);
void put(std::string& out, std::int32_t value);
void put(std::string& out, std::int64_t value);
void put(std::string& out, timestamp value);
void put(std::string& out, const geartrain::uuid& value);
void put(std::string& out, std::string_view value);

} // namespace pg_wire

/// One array parameter (a column of a batch), built element by element. An absent optional is NULL.
///
/// Bytes: int32 dimensions (0 if empty, else 1), int32 1 if any NULL, int32 element type, then for a dimension int32
/// size and int32 lower bound 1, then per element int32 length (-1: NULL) and its value.
class pg_array {
public:
  explicit pg_array(pg_type element);

  template <class T>
  void add(const T& value) {
    auto at = begin_element();
    pg_wire::put(bytes_, value);
    end_element(at);
  }

  template <class T>
  void add(const std::optional<T>& value) {
    if (value)
      add(*value);
    else
      add_null();
  }

  void add(const std::string& value) { add(std::string_view{value}); }
  void add(const json_text& value);
  void add_null();

  /// The finished parameter; the array is empty afterwards.
  std::string take();

private:
  std::size_t begin_element();
  void end_element(std::size_t at);

  std::string bytes_;
  std::int32_t count_ = 0;
  bool has_null_ = false;
};

/// The bound parameters of one statement, in order.
class parameters {
public:
  template <class T>
  parameters& add(const T& value) {
    std::string bytes;
    pg_wire::put(bytes, value);
    values_.emplace_back(std::move(bytes));
    return *this;
  }

  template <class T>
  parameters& add(const std::optional<T>& value) {
    if (value)
      return add(*value);
    values_.emplace_back(std::nullopt);
    return *this;
  }

  parameters& add(const std::string& value) { return add(std::string_view{value}); }
  parameters& add(const json_text& value);
  parameters& add(pg_array column) {
    values_.emplace_back(column.take());
    return *this;
  }

  const std::vector<std::optional<std::string>>& values() const { return values_; }

private:
  std::vector<std::optional<std::string>> values_;
};

/// A text array as the literal that `::text[]` reads, for arrays inside an array column.
std::string text_array_literal(const std::vector<std::string>& elements);

/// Bound parameters from the columns of a batch, in their order.
parameters parameters_of(std::initializer_list<pg_array*> columns);

} // namespace geartrain
