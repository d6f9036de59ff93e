#pragma once

#include "messages/problem.hpp"
#include "messages/time.hpp"
#include "messages/uuid.hpp"
#include "runtime/api/object_reader.hpp"
#include "runtime/http/http_message.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace geartrain {

/// Reads typed parameters out of a query string and collects what is wrong with them. Of a repeated parameter the last one
/// counts, unless all are asked for. Not thread-safe.
class query_reader {
public:
  query_reader(const http_request& request, problems& found) : request_(request), found_(found) {}

  std::optional<std::string> text(std::string_view name, text_limits limits = {});
  std::vector<std::string> texts(std::string_view name, std::size_t max_count, text_limits limits);
  std::optional<timestamp> time(std::string_view name); ///< as parse_time() takes it
  std::optional<uuid> id(std::string_view name);
  std::uint32_t number(std::string_view name, std::uint32_t fallback, std::uint32_t min, std::uint32_t max);
  std::int64_t large_number(std::string_view name, std::int64_t fallback, std::int64_t min, std::int64_t max);
  void wrong(std::string_view name, std::string message);

private:
  std::optional<std::string> checked(std::string_view name, std::string_view value, text_limits limits);

  const http_request& request_;
  problems& found_;
};

/// True for text that can be stored and sent on: valid UTF-8 without U+0000.
bool is_plain_text(std::string_view text);

} // namespace geartrain
