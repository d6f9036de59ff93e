#pragma once

#include "messages/expected.hpp"
#include "messages/json_text.hpp"
#include "messages/problem.hpp"
#include "messages/time.hpp"
#include "messages/uuid.hpp"
#include "runtime/api/json_view.hpp"
#include "runtime/http/http_message.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace geartrain {

/// Checks a body that must be a JSON object: malformed gives 400 JSON_ERROR, another type or deeper than `max_depth` gives
/// 400 BAD_REQUEST. The view points into `body`.
std::variant<json_view, http_response> parse_body(std::string_view body, std::size_t max_depth);

/// How long a text may be, in characters (code points).
struct text_limits {
  std::size_t min = 0;
  std::size_t max = 255;
};

enum class presence : std::uint8_t { optional, required };

/// Reads typed members out of a JSON object and collects what is wrong with them, each with the offending value. A member
/// that is `null` counts as absent. Names that nobody asks for are ignored. Not thread-safe.
class object_reader {
public:
  /// `path` names the object in messages ("" for the body itself). `object` must be an object.
  object_reader(const json_view& object, std::string path, problems& found);

  std::optional<std::string> text(std::string_view name, text_limits limits, presence needed = presence::optional);
  std::optional<std::int64_t> integer(std::string_view name, std::int64_t min, std::int64_t max,
                                      presence needed = presence::optional);
  std::optional<bool> boolean(std::string_view name, presence needed = presence::optional);
  std::optional<uuid> id(std::string_view name, presence needed = presence::optional);
  std::optional<timestamp> time(std::string_view name); ///< as parse_time() takes it

  /// An array of texts.
  std::optional<std::vector<std::string>> texts(std::string_view name, std::size_t max_count, text_limits limits,
                                                presence needed = presence::optional);

  /// The elements of an array of at most `max_count`.
  std::optional<std::vector<json_view>> array(std::string_view name, std::size_t max_count,
                                              presence needed = presence::optional);

  /// An object; with `null_is_wrong`, `null` is refused instead of taken as absent.
  std::optional<json_view> object(std::string_view name, bool null_is_wrong = false);

  /// Any value, `null` included.
  std::optional<json_view> any(std::string_view name) const;

  /// Adds a problem with a member.
  void wrong(std::string_view name, std::string message);

private:
  std::optional<json_view> present(std::string_view name, presence needed);
  void mistyped(std::string_view name, std::string_view expected, const json_view& value);
  std::string path_to(std::string_view name) const;

  std::vector<std::pair<std::string, json_view>> members_; ///< as written; of duplicates the last counts
  std::string path_;
  problems& found_;
};

/// The start of a value as it was written, for messages.
std::string excerpt(const json_view& value);

} // namespace geartrain
