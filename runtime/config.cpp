#include "runtime/config.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cctype>
#include <charconv>

namespace geartrain {

namespace {

constexpr std::string_view mask = "***";

bool is_url(std::string_view text) {
  return text.starts_with("postgresql://") || text.starts_with("postgres://");
}

char lower(char c) {
  return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

// The password between "user:" and the last "@" of the authority. A password may itself hold "@" or "/" by mistake, so
// everything up to the last "@" before the query is taken: rather too much than a piece of a secret.
std::string mask_user_info(std::string_view url) {
  auto begin = url.find("://") + 3;
  auto at = url.substr(0, url.find('?', begin)).rfind('@');
  if (at == std::string_view::npos || at < begin)
    return std::string{url};
  auto colon = url.find(':', begin);
  if (colon >= at)
    return std::string{url};
  return std::string{url.substr(0, colon + 1)}.append(mask).append(url.substr(at));
}

// Replaces what follows each "password=" (of a query or of the key=value form) up to the end of the value.
std::string mask_password_values(const std::string& text, std::string_view ends) {
  std::string folded = text;
  std::transform(folded.begin(), folded.end(), folded.begin(), lower);
  std::string out;
  std::size_t done = 0;
  for (auto at = folded.find("password"); at != std::string::npos; at = folded.find("password", at + 1)) {
    auto equals = folded.find_first_not_of(' ', at + 8);
    if (at < done || equals == std::string::npos || folded[equals] != '=')
      continue;
    auto value = folded.find_first_not_of(' ', equals + 1);
    if (value == std::string::npos)
      break;
    auto end = value;
    bool quoted = text[value] == '\'';
    for (end += quoted ? 1 : 0; end < text.size(); ++end) {
      if (text[end] == '\\')
        ++end;
      else if (quoted ? text[end] == '\'' : ends.find(text[end]) != std::string_view::npos)
        break;
    }
    end = std::min(end + (quoted ? 1 : 0), text.size());
    out.append(text, done, value - done).append(mask);
    done = end;
  }
  return out.append(text, done);
}

std::optional<std::uint16_t> parse_port(std::string_view digits) {
  std::uint16_t port = 0;
  auto last = digits.data() + digits.size();
  auto [end, error] = std::from_chars(digits.data(), last, port);
  if (digits.empty() || error != std::errc{} || end != last)
    return std::nullopt;
  return port;
}

// A name whose last label is a number would be an address that was mistyped.
bool is_host_name(std::string_view text) {
  auto allowed = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.' || c == '_';
  };
  auto last_label = text.substr(text.rfind('.') + 1);
  auto digit = [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; };
  return !text.empty() && text.size() <= 253 && text.front() != '-' && text.front() != '.' &&
         text.find("..") == std::string_view::npos && std::all_of(text.begin(), text.end(), allowed) &&
         !last_label.empty() && !std::all_of(last_label.begin(), last_label.end(), digit);
}

} // namespace

std::string redact_database_url(std::string_view url) {
  if (is_url(url))
    return mask_password_values(mask_user_info(url), "&");
  return mask_password_values(std::string{url}, " \t\r\n");
}

std::optional<listen_address> parse_listen_address(std::string_view text) {
  auto colon = text.rfind(':');
  if (colon == std::string_view::npos)
    return std::nullopt;
  std::string host{text.substr(0, colon)};
  bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed)
    host = host.substr(1, host.size() - 2);
  else if (host == "localhost")
    host = "127.0.0.1";
  in6_addr binary{};
  if (inet_pton(bracketed ? AF_INET6 : AF_INET, host.c_str(), &binary) != 1)
    return std::nullopt;
  auto port = parse_port(text.substr(colon + 1));
  if (!port)
    return std::nullopt;
  return listen_address{std::move(host), *port};
}

std::optional<advertised_address> parse_advertised_address(std::string_view text) {
  if (auto address = parse_listen_address(text); address && !text.starts_with("localhost:"))
    return address->port == 0 ? std::nullopt : std::optional{advertised_address{address->host, address->port}};
  auto colon = std::min(text.find(':'), text.size());
  auto host = text.substr(0, colon);
  auto port = parse_port(text.substr(std::min(colon + 1, text.size())));
  if (!port || *port == 0 || !is_host_name(host))
    return std::nullopt;
  return advertised_address{std::string{host}, *port};
}

} // namespace geartrain
