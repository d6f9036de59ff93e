#include "db/pg_values.hpp"

#include <utility>

namespace geartrain {

namespace {

/// PostgreSQL counts from 2000-01-01.
constexpr std::int64_t epoch_shift_us = 946684800LL * 1000000;

constexpr std::size_t header_size = 20;

template <class T>
void put_big_endian(std::string& out, T value) {
  for (auto shift = static_cast<int>(sizeof value) * 8 - 8; shift >= 0; shift -= 8)
    out += static_cast<char>((value >> shift) & 0xff);
}

void overwrite(std::string& out, std::size_t at, std::int32_t value) {
  std::string bytes;
  put_big_endian(bytes, static_cast<std::uint32_t>(value));
  out.replace(at, 4, bytes);
}

std::int32_t element_of(pg_type type) {
  return static_cast<std::int32_t>(type);
}

} // namespace

namespace pg_wire {

void put(std::string& out, bool value) {
  out += value ? '\1' : '\0';
}

void put(std::string& out, std::int16_t value) {
  put_big_endian(out, static_cast<std::uint16_t>(value));
}

void put(std::string& out, std::int32_t value) {
  put_big_endian(out, static_cast<std::uint32_t>(value));
}

void put(std::string& out, std::int64_t value) {
  put_big_endian(out, static_cast<std::uint64_t>(value));
}

void put(std::string& out, timestamp value) {
  put(out, static_cast<std::int64_t>(value.time_since_epoch().count()) - epoch_shift_us);
}

void put(std::string& out, const geartrain::uuid& value) {
  out.append(reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size());
}

void put(std::string& out, std::string_view value) {
  out.append(value);
}

} // namespace pg_wire

pg_array::pg_array(pg_type element) : bytes_(header_size, '\0') {
  overwrite(bytes_, 8, element_of(element));
}

void pg_array::add(const json_text& value) {
  if (value)
    add(value.view());
  else
    add_null();
}

void pg_array::add_null() {
  has_null_ = true;
  ++count_;
  pg_wire::put(bytes_, std::int32_t{-1});
}

std::string pg_array::take() {
  overwrite(bytes_, 0, count_ == 0 ? 0 : 1);
  overwrite(bytes_, 4, has_null_ ? 1 : 0);
  overwrite(bytes_, 12, count_);
  overwrite(bytes_, 16, 1);
  if (count_ == 0)
    bytes_.resize(12);
  count_ = 0;
  return std::exchange(bytes_, {});
}

std::size_t pg_array::begin_element() {
  ++count_;
  bytes_.append(4, '\0');
  return bytes_.size();
}

void pg_array::end_element(std::size_t at) {
  overwrite(bytes_, at - 4, static_cast<std::int32_t>(bytes_.size() - at));
}

parameters& parameters::add(const json_text& value) {
  if (value)
    return add(value.view());
  values_.emplace_back(std::nullopt);
  return *this;
}

parameters parameters_of(std::initializer_list<pg_array*> columns) {
  parameters values;
  for (auto* column : columns)
    values.add(std::move(*column));
  return values;
}

std::string text_array_literal(const std::vector<std::string>& elements) {
  std::string text = "{";
  for (auto& element : elements) {
    if (text.size() > 1)
      text += ',';
    text += '"';
    for (auto c : element) {
      if (c == '"' || c == '\\')
        text += '\\';
      text += c;
    }
    text += '"';
  }
  text += '}';
  return text;
}

} // namespace geartrain
