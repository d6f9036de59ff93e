#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace geartrain {

/// Immutable JSON that is carried as text, shared by pointer and never parsed again inside the engine.
/// Absent (default constructed) differs from the JSON value `null`. Copies are cheap and thread-safe.
class json_text {
public:
  json_text() = default;
  explicit json_text(std::string text) : text_(std::make_shared<const std::string>(std::move(text))) {}

  explicit operator bool() const { return text_ != nullptr; }

  /// The text; empty if absent.
  std::string_view view() const { return text_ ? std::string_view{*text_} : std::string_view{}; }

  /// The text, or `fallback` (a JSON literal such as "null" or "{}") if absent.
  std::string_view view_or(std::string_view fallback) const { return text_ ? std::string_view{*text_} : fallback; }

  friend bool operator==(const json_text& a, const json_text& b) {
    return static_cast<bool>(a) == static_cast<bool>(b) && a.view() == b.view();
  }

private:
  std::shared_ptr<const std::string> text_;
};

} // namespace geartrain
