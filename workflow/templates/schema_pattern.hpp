#pragma once

#include "messages/expected.hpp"

#include <memory>
#include <regex>
#include <string>
#include <string_view>

namespace geartrain {

/// A regular expression of a JSON Schema, safe to run on what strangers send: it works on code points and takes time
/// that is linear in the length of the text and no stack that grows with it. Immutable and thread-safe.
class schema_pattern {
public:
  /// Errors: errc::invalid with what to change.
  static expected<schema_pattern> compile(const std::string& pattern);

  /// Whether `pattern` may be matched against property names (up to 255 characters) by valijson, which backtracks: no
  /// group is repeated, and there are at most two repeats of open length.
  static bool is_safe_for_names(std::string_view pattern);

  /// True if the pattern is found anywhere in the text (valid UTF-8).
  bool found_in(std::string_view text) const;

private:
  explicit schema_pattern(std::shared_ptr<const std::wregex> regex) : regex_(std::move(regex)) {}

  std::shared_ptr<const std::wregex> regex_;
};

} // namespace geartrain
