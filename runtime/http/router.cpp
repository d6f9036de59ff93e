#include "runtime/http/router.hpp"

#include "runtime/http/url.hpp"

#include <algorithm>

namespace geartrain {

namespace {

bool is_parameter(std::string_view segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

/// The decoded parameters if the path fits the pattern.
std::optional<name_values> fit(const std::vector<std::string>& pattern, const std::vector<std::string_view>& path) {
  if (pattern.size() != path.size())
    return std::nullopt;
  for (std::size_t i = 0; i < path.size(); ++i)
    if (is_parameter(pattern[i]) ? path[i].empty() : pattern[i] != path[i])
      return std::nullopt;
  name_values params;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (!is_parameter(pattern[i]))
      continue;
    auto value = percent_decode(path[i]);
    if (!value)
      return std::nullopt;
    params.emplace_back(pattern[i].substr(1, pattern[i].size() - 2), std::move(*value));
  }
  return params;
}

void add_method(std::string& allow, std::string_view method) {
  if (!allow.empty())
    allow += ", ";
  allow += method;
  if (method == "GET")
    allow += ", HEAD";
}

} // namespace

router::router(std::shared_ptr<http_metrics> metrics) : metrics_(std::move(metrics)) {}

void router::add(std::string method, std::string pattern, http_handler handler, route_options options) {
  auto entry = std::make_unique<route>();
  for (auto segment : split_path(pattern))
    entry->segments.emplace_back(segment);
  entry->handler = std::move(handler);
  entry->options = std::move(options);
  entry->metrics = &metrics_->add(method, pattern);
  entry->method = std::move(method);
  entry->pattern = std::move(pattern);
  routes_.push_back(std::move(entry));
}

route_match router::match(std::string_view method, std::string_view path) const {
  auto segments = split_path(path);
  if (method == "HEAD")
    method = "GET";
  route_match result;
  for (const auto& candidate : routes_) {
    auto params = fit(candidate->segments, segments);
    if (!params)
      continue;
    if (candidate->method == method) {
      result.found = candidate.get();
      result.params = std::move(*params);
      return result;
    }
    add_method(result.allow, candidate->method);
  }
  return result;
}

std::string router::allowed_origin(std::string_view origin) const {
  if (origin.empty())
    return {};
  for (const auto& allowed : origins_)
    if (allowed == "*" || allowed == origin)
      return std::string{origin};
  return {};
}

} // namespace geartrain
