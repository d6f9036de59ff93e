#pragma once

#include "messages/json_text.hpp"
#include "messages/time.hpp"
#include "messages/uuid.hpp"

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace geartrain {

/// "2026-01-01T00:00:30.000000Z": UTC, six fractional digits.
std::string format_timestamp(timestamp when);

/// Writes JSON by appending to one string; commas come by themselves. Text that already is JSON is spliced in as it
/// stands. Not thread-safe. Misuse (a value without a key inside an object) gives broken JSON, not an error.
class json_writer {
public:
  json_writer& begin_object() { return open('{'); }
  json_writer& end_object() { return close('}'); }
  json_writer& begin_array() { return open('['); }
  json_writer& end_array() { return close(']'); }

  json_writer& key(std::string_view name);

  json_writer& value(std::string_view text);
  json_writer& value(const std::string& text) { return value(std::string_view{text}); }
  json_writer& value(const char* text) { return value(std::string_view{text}); }
  json_writer& value(bool flag) { return raw(flag ? "true" : "false"); }
  json_writer& value(double number); ///< shortest form that reads back the same; null if not finite
  json_writer& value(timestamp when) { return value(format_timestamp(when)); }
  json_writer& value(const uuid& id) { return value(to_string(id)); }
  json_writer& null() { return raw("null"); }

  template <std::integral T>
  requires(!std::same_as<T, bool>) json_writer& value(T number) { return raw(std::to_string(number)); }

  /// Null if absent.
  template <class T>
  json_writer& value(const std::optional<T>& maybe) {
    return maybe ? value(*maybe) : null();
  }

  /// Splices JSON text; null if absent.
  json_writer& value(const json_text& text) { return raw(text.view_or("null")); }

  /// Splices `json`, which must be one JSON value.
  json_writer& raw(std::string_view json);

  template <class T>
  json_writer& field(std::string_view name, const T& content) {
    return key(name).value(content);
  }

  json_writer& raw_field(std::string_view name, std::string_view json) { return key(name).raw(json); }

  std::size_t size() const { return out_.size(); }

  /// The text; the writer is empty afterwards.
  std::string take();

private:
  json_writer& open(char bracket);
  json_writer& close(char bracket);
  void separate();

  std::string out_;
  bool comma_ = false; ///< a value stands before the next one
};

} // namespace geartrain
