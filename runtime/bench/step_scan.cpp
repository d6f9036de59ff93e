#include "runtime/bench/step_scan.hpp"

#include <cstring>

namespace geartrain::bench {

namespace {

constexpr std::string_view uuid_key = "\"step_uuid\":\"";
constexpr std::string_view token_key = "\"lease_token\":\"";
constexpr std::string_view callable_key = "\"callable\":\"";
constexpr std::string_view status_key = "\"status\":\"";

/// memmem looks at several bytes at a time; find() of a string stops at every quotation mark.
std::size_t find(std::string_view text, std::string_view key, std::size_t from) {
  auto* found = from < text.size() ? memmem(text.data() + from, text.size() - from, key.data(), key.size()) : nullptr;
  return found != nullptr ? static_cast<std::size_t>(static_cast<const char*>(found) - text.data())
                          : std::string_view::npos;
}

/// The string behind a key, which must hold no escapes; empty if the key is not there.
std::string_view string_at(std::string_view text, std::string_view key) {
  auto at = find(text, key, 0);
  if (at == std::string_view::npos)
    return {};
  text.remove_prefix(at + key.size());
  return text.substr(0, text.find('"'));
}

} // namespace

expected<scanned_poll> scan_poll(std::string_view body) {
  scanned_poll out;
  for (auto at = find(body, uuid_key, 0); at != std::string_view::npos;) {
    auto next = find(body, uuid_key, at + uuid_key.size());
    auto item = body.substr(at, next == std::string_view::npos ? next : next - at);
    at = next;
    scanned_step step{string_at(item, uuid_key), string_at(item, token_key), string_at(item, callable_key)};
    if (!step.lease_token.empty() && !step.callable.empty()) {
      out.steps.push_back(step);
      continue;
    }
    auto status = string_at(item, status_key);
    if (status.empty())
      return failure{errc::invalid, "the node sent a step without a token or a handler"};
    ++(status == "accepted" || status == "duplicate" ? out.settled : out.unsettled);
  }
  return out;
}

} // namespace geartrain::bench
