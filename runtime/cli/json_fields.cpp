#include "runtime/cli/json_fields.hpp"

#include "runtime/cli/table.hpp"
#include "runtime/cli/time_text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace geartrain {

using json = nlohmann::json;

const nlohmann::json& member(const nlohmann::json& object, const char* key) {
  static const json nothing;
  if (!object.is_object())
    return nothing;
  auto at = object.find(key);
  return at == object.end() ? nothing : *at;
}

std::string field(const nlohmann::json& object, const char* key) {
  const auto& value = member(object, key);
  if (value.is_null())
    return "-";
  return one_line(value.is_string() ? value.get_ref<const std::string&>() : dump_json(value));
}

std::int64_t number(const nlohmann::json& object, const char* key) {
  const auto& value = member(object, key);
  return value.is_number_integer() ? value.get<std::int64_t>() : 0;
}

std::string decimal(const nlohmann::json& object, const char* key) {
  const auto& value = member(object, key);
  return value.is_number() ? fmt::format("{:.2f}", value.get<double>()) : "-";
}

std::string time_field(const nlohmann::json& object, const char* key) {
  return short_time(field(object, key));
}

void add_line(std::string& out, std::string_view name, std::string_view value, const style& paint, colour ink) {
  if (!value.empty() && value != "-")
    out += fmt::format("{:<15}{}\n", name, paint.paint(ink, value));
}

std::string dump_json(const nlohmann::json& value, int indent) {
  return value.dump(indent, ' ', false, json::error_handler_t::replace);
}

} // namespace geartrain
