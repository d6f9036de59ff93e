#include "runtime/cli/cli_context.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ostream>

namespace geartrain {

namespace {

errc category_of(unsigned status) {
  switch (status) {
    case 404:
      return errc::not_found;
    case 409:
      return errc::conflict;
    case 408:
      return errc::timeout;
    case 503:
      return errc::overloaded;
    default:
      return status >= 500 ? errc::unhandled : errc::invalid;
  }
}

std::string text_of(const nlohmann::json& object, const char* key) {
  auto at = object.find(key);
  if (at == object.end() || at->is_null())
    return {};
  return at->is_string() ? at->get<std::string>() : at->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// A detail is {path, line?, message} of a problem, or some other small object.
std::string describe_detail(const nlohmann::json& detail) {
  if (!detail.is_object())
    return detail.dump();
  auto message = text_of(detail, "message");
  if (message.empty())
    return detail.dump();
  auto line = text_of(detail, "line");
  auto path = text_of(detail, "path");
  return fmt::format("{}{}{}{}", line.empty() ? "" : "line " + line + ": ", path, path.empty() ? "" : ": ", message);
}

failure read_error(const http_answer& answer) {
  failure why{category_of(answer.status), fmt::format("the server answered {}", answer.status)};
  auto body = nlohmann::json::parse(answer.body, nullptr, false);
  auto error = body.is_object() ? body.find("error") : body.end();
  if (body.is_discarded() || error == body.end() || !error->is_object())
    return why;
  why.message = fmt::format("{} ({})", text_of(*error, "message"), text_of(*error, "code"));
  if (auto details = error->find("details"); details != error->end() && details->is_array())
    for (const auto& detail : *details)
      why.message += "\n  " + describe_detail(detail);
  return why;
}

expected<http_answer> call_server(const cli_context& context, const http_call& call) {
  auto client = http_client::for_url(context.url);
  if (!client)
    return client.error();
  auto answer = client->send(call);
  if (!answer) {
    answer.error().message +=
      "\nStart a server with `geartrain dev`, or name the right one with --url or GEARTRAIN_URL.";
    return answer;
  }
  if (answer->status < 200 || answer->status > 299)
    return read_error(*answer);
  return answer;
}

} // namespace

expected<http_answer> get_from_server(const cli_context& context, std::string target) {
  http_call call;
  call.target = std::move(target);
  return call_server(context, call);
}

expected<http_answer> post_to_server(const cli_context& context, std::string target, std::string content_type,
                                     std::string body) {
  http_call call;
  call.method = "POST";
  call.target = std::move(target);
  call.content_type = std::move(content_type);
  call.body = std::move(body);
  return call_server(context, call);
}

expected<http_answer> send_to_server(const cli_context& context, std::string method, std::string target,
                                     std::string json_body) {
  http_call call;
  call.method = std::move(method);
  call.target = std::move(target);
  call.content_type = json_body.empty() ? "" : "application/json";
  call.body = std::move(json_body);
  return call_server(context, call);
}

expected<nlohmann::json> parse_answer(const expected<http_answer>& answer) {
  if (!answer)
    return answer.error();
  auto value = nlohmann::json::parse(answer->body, nullptr, false);
  if (value.is_discarded())
    return failure{errc::invalid, "the server's answer can't be understood; is this a Geartrain node?"};
  return value;
}

int fail(const cli_context& context, const failure& why) {
  *context.err << "geartrain: error: " << why.message << std::endl;
  return why.code == errc::unavailable || why.code == errc::timeout ? exit_unreachable : exit_failed;
}

int fail_usage(const cli_context& context, const std::string& message) {
  *context.err << "geartrain: error: " << message << std::endl;
  return exit_usage;
}

int print_json(const cli_context& context, const std::string& body) {
  *context.out << body << (body.ends_with('\n') ? "" : "\n") << std::flush;
  return exit_ok;
}

int show_answer(const cli_context& context, const expected<http_answer>& answer,
                const std::function<std::string(const nlohmann::json& body)>& render) {
  auto body = parse_answer(answer);
  if (!body)
    return fail(context, body.error());
  if (context.output == output_format::json)
    return print_json(context, answer->body);
  *context.out << render(*body) << std::flush;
  return exit_ok;
}

query_text& query_text::add(std::string_view name, const std::optional<std::string>& value) {
  if (value)
    text_ += fmt::format("{}{}={}", text_.empty() ? "?" : "&", name, percent_encode(*value));
  return *this;
}

std::vector<std::string> split_reference(std::string_view text) {
  std::vector<std::string> parts;
  for (auto slash = text.find('/'); slash != std::string_view::npos; slash = text.find('/')) {
    parts.emplace_back(text.substr(0, slash));
    text.remove_prefix(slash + 1);
  }
  parts.emplace_back(text);
  return parts;
}

} // namespace geartrain
