#pragma once

#include "messages/problem.hpp"
#include "runtime/http/http_message.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace geartrain {

/// Reads typed parameters out of a query string and collects what is wrong with them. Not thread-safe.
class query_reader {
public:
  query_reader(const http_request& request, problems& found) : request_(request), found_(found) {}

  std::optional<std::string> text(std::string_view name) const;
  std::uint32_t number(std::string_view name, std::uint32_t fallback, std::uint32_t min, std::uint32_t max);
  void wrong(std::string_view name, std::string message);

private:
  const http_request& request_;
  problems& found_;
};

} // namespace geartrain
