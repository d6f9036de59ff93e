#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace geartrain {

/// A typed look at JSON text that parse_strict_json has accepted. Nothing is copied or converted until it is asked for,
/// so that a part of a document can be passed on exactly as it was written. Valid as long as the text. Text that was not
/// checked before gives meaningless answers, but never reads outside of it.
class json_view {
public:
  enum class kind : std::uint8_t { null, boolean, number, string, array, object };

  /// The value `null`.
  json_view() = default;

  explicit json_view(std::string_view text);

  kind type() const;
  bool is_null() const { return type() == kind::null; }

  /// The value as written, without blanks around it.
  std::string_view text() const { return text_; }

  std::optional<bool> as_bool() const;
  std::optional<std::int64_t> as_integer() const; ///< only numbers without fraction and exponent
  std::optional<double> as_number() const;
  std::optional<std::string> as_string() const;

  /// Of an array; empty otherwise.
  std::vector<json_view> elements() const;

  /// Of an object, in the order written, names unescaped, duplicates included; empty otherwise.
  std::vector<std::pair<std::string, json_view>> members() const;

  /// The member of that name; of duplicates the last.
  std::optional<json_view> member(std::string_view name) const;

private:
  std::string_view text_ = "null";
};

/// How many arrays and objects lie inside each other at the deepest point: 0 for a scalar, 1 for `{}`. Takes any text.
std::size_t json_depth(std::string_view text);

} // namespace geartrain
