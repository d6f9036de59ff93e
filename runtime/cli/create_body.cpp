#include "runtime/cli/create_body.hpp"

#include "runtime/http/json_escape.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>

namespace geartrain {

namespace {

std::string json_string(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

void add(std::string& body, std::string_view key, const std::optional<std::string>& text) {
  if (text)
    body += fmt::format(",\"{}\":{}", key, json_string(*text));
}

// Empty if the text is a JSON object.
std::string complaint_about(const std::string& input) {
  try {
    if (nlohmann::json::parse(input).is_object())
      return {};
    return "the input is no JSON object; give one such as {\"amount\": 1}";
  } catch (const nlohmann::json::parse_error& e) {
    return fmt::format("the input is no valid JSON, see byte {}; mind the quoting of your shell, or use @FILE", e.byte);
  }
}

} // namespace

expected<std::string> make_create_body(const create_flags& flags) {
  auto body = fmt::format("{{\"namespace\":{},\"name\":{}", json_string(flags.namespace_name), json_string(flags.name));
  add(body, "version", flags.version);
  add(body, "initiator", flags.initiator);
  add(body, "source_system", flags.source_system);
  add(body, "reason", flags.reason);
  add(body, "idempotency_key", flags.idempotency_key);
  add(body, "identity_strategy", flags.identity_strategy);
  add(body, "correlation_id", flags.correlation_id);
  add(body, "parent_correlation_id", flags.parent_correlation_id);
  add(body, "start_at", flags.start_at);
  if (flags.key_ttl_seconds)
    body += fmt::format(",\"idempotency_key_ttl_seconds\":{}", *flags.key_ttl_seconds);
  if (flags.priority)
    body += fmt::format(",\"priority\":{}", *flags.priority);
  if (!flags.tags.empty()) {
    std::string tags;
    for (const auto& tag : flags.tags)
      tags += (tags.empty() ? "" : ",") + json_string(tag);
    body += fmt::format(",\"tags\":[{}]", tags);
  }
  if (flags.input) {
    if (auto complaint = complaint_about(*flags.input); !complaint.empty())
      return failure{errc::invalid, complaint};
    body += ",\"context\":" + *flags.input;
  }
  return body + "}";
}

expected<std::string> read_input(const std::string& argument) {
  if (argument == "-")
    return std::string{std::istreambuf_iterator<char>{std::cin}, {}};
  if (!argument.starts_with('@'))
    return argument;
  std::ifstream in{argument.substr(1), std::ios::binary};
  std::string text{std::istreambuf_iterator<char>{in}, {}};
  if (!in)
    return failure{errc::invalid, fmt::format("can't read {}: {}", argument.substr(1), std::strerror(errno))};
  return text;
}

} // namespace geartrain
