#include "db/pg_result.hpp"

#include <libpq-fe.h>

#include <bit>
#include <cstdlib>
#include <cstring>

namespace geartrain {

namespace {

constexpr std::int64_t epoch_shift_us = 946684800LL * 1000000;

/// An integer in network byte order at the front of `bytes`; 0 if there are not enough.
template <class T>
T big_endian(std::string_view bytes) {
  if (bytes.size() < sizeof(T))
    return 0;
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    value = value << 8 | static_cast<std::uint8_t>(bytes[i]);
  return static_cast<T>(value);
}

} // namespace

row_set::row_set(::pg_result* raw) : raw_(raw) {}

void row_set::clear::operator()(::pg_result* raw) const {
  PQclear(raw);
}

int row_set::size() const {
  return PQntuples(raw_.get());
}

std::uint32_t row_set::touched() const {
  return static_cast<std::uint32_t>(std::strtoul(PQcmdTuples(raw_.get()), nullptr, 10));
}

bool row_set::is_null(int row, int column) const {
  return PQgetisnull(raw_.get(), row, column) != 0;
}

std::string_view row_set::text(int row, int column) const {
  return {PQgetvalue(raw_.get(), row, column), static_cast<std::size_t>(PQgetlength(raw_.get(), row, column))};
}

template <class T>
T row_set::number(int row, int column) const {
  return big_endian<T>(text(row, column));
}

bool row_set::boolean(int row, int column) const {
  return number<std::int8_t>(row, column) != 0;
}

std::int16_t row_set::int2(int row, int column) const {
  return number<std::int16_t>(row, column);
}

std::int32_t row_set::int4(int row, int column) const {
  return number<std::int32_t>(row, column);
}

std::int64_t row_set::int8(int row, int column) const {
  return number<std::int64_t>(row, column);
}

double row_set::float8(int row, int column) const {
  return std::bit_cast<double>(int8(row, column));
}

timestamp row_set::time(int row, int column) const {
  return timestamp{std::chrono::microseconds{int8(row, column) + epoch_shift_us}};
}

geartrain::uuid row_set::id(int row, int column) const {
  geartrain::uuid value;
  auto bytes = text(row, column);
  if (bytes.size() == value.bytes.size())
    std::memcpy(value.bytes.data(), bytes.data(), bytes.size());
  return value;
}

std::vector<std::string> row_set::texts(int row, int column) const {
  std::vector<std::string> elements;
  auto bytes = text(row, column);
  if (big_endian<std::int32_t>(bytes) == 0)
    return elements;
  auto count = big_endian<std::int32_t>(bytes.substr(12));
  bytes.remove_prefix(20);
  for (std::int32_t i = 0; i < count && bytes.size() >= 4; ++i) {
    auto length = big_endian<std::int32_t>(bytes);
    bytes.remove_prefix(4);
    auto taken = bytes.substr(0, length < 0 ? 0 : static_cast<std::size_t>(length));
    elements.emplace_back(taken);
    bytes.remove_prefix(taken.size());
  }
  return elements;
}

std::optional<std::int16_t> row_set::optional_int2(int row, int column) const {
  if (is_null(row, column))
    return std::nullopt;
  return int2(row, column);
}

std::optional<std::int64_t> row_set::optional_int8(int row, int column) const {
  if (is_null(row, column))
    return std::nullopt;
  return int8(row, column);
}

std::optional<double> row_set::optional_float8(int row, int column) const {
  if (is_null(row, column))
    return std::nullopt;
  return float8(row, column);
}

std::optional<timestamp> row_set::optional_time(int row, int column) const {
  if (is_null(row, column))
    return std::nullopt;
  return time(row, column);
}

std::optional<geartrain::uuid> row_set::optional_id(int row, int column) const {
  if (is_null(row, column))
    return std::nullopt;
  return id(row, column);
}

std::optional<std::string> row_set::optional_text(int row, int column) const {
  if (is_null(row, column))
    return std::nullopt;
  return std::string{text(row, column)};
}

json_text row_set::json(int row, int column) const {
  if (is_null(row, column))
    return {};
  return json_text{std::string{text(row, column)}};
}

} // namespace geartrain
