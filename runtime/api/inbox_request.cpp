#include "runtime/api/inbox_request.hpp"

#include "runtime/api/create_request.hpp"

#include <nlohmann/json.hpp>

namespace geartrain {

expected<create_task> read_inbox_row(const inbox_row& row) {
  auto body = nlohmann::json::parse(row.options.view_or("{}"), nullptr, false);
  if (!body.is_object())
    return failure{errc::invalid, "options must be a JSON object"};
  body.erase("context");
  body["namespace"] = row.namespace_name;
  body["name"] = row.name;
  if (row.version)
    body["version"] = *row.version;
  auto text = body.dump();
  text.back() = ',';
  text += "\"context\":" + std::string{row.context.view_or("{}")} + "}"; // taken exactly as written
  auto read = parse_create_task(text);
  if (auto* task = std::get_if<create_task>(&read))
    return std::move(*task);
  auto answer = nlohmann::json::parse(std::get<http_response>(read).body, nullptr, false);
  auto why = answer.is_object() && answer.contains("error") ? answer["error"].value("message", "") : std::string{};
  if (answer.is_object() && answer.contains("error") && answer["error"].contains("details"))
    why += " " + answer["error"]["details"].dump();
  return failure{errc::invalid, why.empty() ? "the request is malformed" : why};
}

} // namespace geartrain
