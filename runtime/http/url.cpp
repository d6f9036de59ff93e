#include "runtime/http/url.hpp"

#include <algorithm>

namespace geartrain {

namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

std::optional<std::string> query_decode(std::string_view text) {
  std::string spaced{text};
  std::replace(spaced.begin(), spaced.end(), '+', ' ');
  return percent_decode(spaced);
}

std::optional<name_values> parse_query(std::string_view text) {
  name_values query;
  while (!text.empty()) {
    auto piece = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(piece.size() + 1, text.size()));
    if (piece.empty())
      continue;
    auto equals = piece.find('=');
    auto name = query_decode(piece.substr(0, equals));
    auto value = query_decode(equals == std::string_view::npos ? std::string_view{} : piece.substr(equals + 1));
    if (!name || !value)
      return std::nullopt;
    query.emplace_back(std::move(*name), std::move(*value));
  }
  return query;
}

/// "http://host/path" without scheme and host.
std::string_view drop_authority(std::string_view target) {
  for (std::string_view scheme : {"http://", "https://"}) {
    if (target.substr(0, scheme.size()) != scheme)
      continue;
    auto slash = target.find('/', scheme.size());
    return slash == std::string_view::npos ? std::string_view{"/"} : target.substr(slash);
  }
  return target;
}

} // namespace

std::optional<std::string> percent_decode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    if (i + 2 >= text.size())
      return std::nullopt;
    auto high = hex_value(text[i + 1]);
    auto low = hex_value(text[i + 2]);
    if (high < 0 || low < 0)
      return std::nullopt;
    decoded += static_cast<char>(high << 4 | low);
    i += 2;
  }
  return decoded;
}

std::string_view path_of(std::string_view target) {
  target = drop_authority(target);
  return target.substr(0, target.find_first_of("?#"));
}

std::optional<url_target> parse_target(std::string_view target) {
  target = drop_authority(target);
  auto question = target.find('?');
  url_target parsed;
  parsed.path = path_of(target);
  if (parsed.path != "*" && (parsed.path.empty() || parsed.path.front() != '/' || !percent_decode(parsed.path)))
    return std::nullopt;
  if (question != std::string_view::npos) {
    auto text = target.substr(question + 1);
    auto query = parse_query(text.substr(0, text.find('#')));
    if (!query)
      return std::nullopt;
    parsed.query = std::move(*query);
  }
  return parsed;
}

std::vector<std::string_view> split_path(std::string_view path) {
  std::vector<std::string_view> segments;
  if (path.empty() || path.front() != '/')
    return {path};
  path.remove_prefix(1);
  for (;;) {
    auto slash = path.find('/');
    segments.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos)
      return segments;
    path.remove_prefix(slash + 1);
  }
}

} // namespace geartrain
