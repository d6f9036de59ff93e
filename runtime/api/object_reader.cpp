#include "runtime/api/object_reader.hpp"

#include "runtime/api/api_error.hpp"
#include "runtime/api/parse_time.hpp"
#include "workflow/strict_json.hpp"
#include "workflow/utf8.hpp"

#include <algorithm>

namespace geartrain {

namespace {

constexpr std::size_t max_excerpt = 60;

std::string describe(text_limits limits) {
  if (limits.min == 0)
    return "a string of at most " + std::to_string(limits.max) + " characters";
  return "a string of " + std::to_string(limits.min) + " to " + std::to_string(limits.max) + " characters";
}

bool fits(const std::string& value, text_limits limits) {
  auto length = count_code_points(value);
  return length >= limits.min && length <= limits.max;
}

} // namespace

std::variant<json_view, http_response> parse_body(std::string_view body, std::size_t max_depth) {
  if (json_depth(body) > max_depth)
    return error_response(400, "BAD_REQUEST",
                          "the body is nested deeper than " + std::to_string(max_depth) + " levels");
  if (auto why = check_strict_json(body, {.max_depth = max_depth}))
    return error_response(400, "JSON_ERROR", "the body is not valid JSON: " + why->message);
  json_view view{body};
  if (view.type() != json_view::kind::object)
    return error_response(400, "BAD_REQUEST", "the body must be a JSON object, not " + excerpt(view));
  return view;
}

std::string excerpt(const json_view& value) {
  auto text = value.text();
  if (text.size() <= max_excerpt)
    return std::string{text};
  auto cut = max_excerpt;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xc0) == 0x80)
    --cut;
  return std::string{text.substr(0, cut)} + "...";
}

object_reader::object_reader(const json_view& object, std::string path, problems& found)
  : members_(object.members()), path_(std::move(path)), found_(found) {}

std::optional<std::string> object_reader::text(std::string_view name, text_limits limits, presence needed) {
  auto value = present(name, needed);
  if (!value)
    return std::nullopt;
  auto content = value->as_string();
  if (content && fits(*content, limits))
    return content;
  mistyped(name, describe(limits), *value);
  return std::nullopt;
}

std::optional<std::int64_t> object_reader::integer(std::string_view name, std::int64_t min, std::int64_t max,
                                                   presence needed) {
  auto value = present(name, needed);
  if (!value)
    return std::nullopt;
  auto content = value->as_integer();
  if (content && *content >= min && *content <= max)
    return content;
  mistyped(name, "an integer from " + std::to_string(min) + " to " + std::to_string(max), *value);
  return std::nullopt;
}

std::optional<bool> object_reader::boolean(std::string_view name, presence needed) {
  auto value = present(name, needed);
  if (!value)
    return std::nullopt;
  auto content = value->as_bool();
  if (!content)
    mistyped(name, "true or false", *value);
  return content;
}

std::optional<uuid> object_reader::id(std::string_view name, presence needed) {
  auto value = present(name, needed);
  if (!value)
    return std::nullopt;
  auto content = value->as_string();
  auto parsed = content ? parse_uuid(*content) : std::nullopt;
  if (!parsed)
    mistyped(name, "a UUID", *value);
  return parsed;
}

std::optional<timestamp> object_reader::time(std::string_view name) {
  auto value = present(name, presence::optional);
  if (!value)
    return std::nullopt;
  auto content = value->as_string();
  auto parsed = content ? parse_time(*content) : std::nullopt;
  if (!parsed)
    mistyped(name, "a UTC time such as 2026-01-31T12:00:00Z", *value);
  return parsed;
}

std::optional<std::vector<std::string>> object_reader::texts(std::string_view name, std::size_t max_count,
                                                             text_limits limits, presence needed) {
  auto values = array(name, max_count, needed);
  if (!values)
    return std::nullopt;
  std::vector<std::string> all;
  for (std::size_t i = 0; i < values->size(); ++i) {
    auto content = (*values)[i].as_string();
    if (content && fits(*content, limits))
      all.push_back(std::move(*content));
    else
      mistyped(std::string{name} + "[" + std::to_string(i) + "]", describe(limits), (*values)[i]);
  }
  return all;
}

std::optional<std::vector<json_view>> object_reader::array(std::string_view name, std::size_t max_count,
                                                           presence needed) {
  auto value = present(name, needed);
  if (!value)
    return std::nullopt;
  if (value->type() != json_view::kind::array) {
    mistyped(name, "an array", *value);
    return std::nullopt;
  }
  auto all = value->elements();
  if (all.size() <= max_count)
    return all;
  wrong(name, "must have at most " + std::to_string(max_count) + " elements, not " + std::to_string(all.size()));
  return std::nullopt;
}

std::optional<json_view> object_reader::object(std::string_view name, bool null_is_wrong) {
  auto value = null_is_wrong ? any(name) : present(name, presence::optional);
  if (value && value->type() != json_view::kind::object) {
    mistyped(name, "an object", *value);
    return std::nullopt;
  }
  return value;
}

std::optional<json_view> object_reader::any(std::string_view name) const {
  auto found = std::find_if(members_.rbegin(), members_.rend(), [&](auto& member) { return member.first == name; });
  return found == members_.rend() ? std::nullopt : std::optional{found->second};
}

void object_reader::wrong(std::string_view name, std::string message) {
  found_.push_back({path_to(name), std::nullopt, std::move(message)});
}

std::optional<json_view> object_reader::present(std::string_view name, presence needed) {
  auto value = any(name);
  if (value && !value->is_null())
    return value;
  if (needed == presence::required)
    wrong(name, "is required");
  return std::nullopt;
}

void object_reader::mistyped(std::string_view name, std::string_view expected, const json_view& value) {
  wrong(name, "must be " + std::string{expected} + ", not " + excerpt(value));
}

std::string object_reader::path_to(std::string_view name) const {
  return path_.empty() ? std::string{name} : path_ + "." + std::string{name};
}

} // namespace geartrain
