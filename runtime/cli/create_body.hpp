#pragma once

#include "messages/expected.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace geartrain {

/// The flags of `task create`; what is absent is left to the server.
struct create_flags {
  std::string namespace_name;
  std::string name;
  std::optional<std::string> version;
  std::optional<std::string> input; ///< JSON text
  std::optional<std::int64_t> priority;
  std::vector<std::string> tags;
  std::optional<std::string> idempotency_key;
  std::optional<std::string> identity_strategy;
  std::optional<std::string> correlation_id;
  std::optional<std::string> parent_correlation_id;
  std::string initiator = "cli";
  std::string source_system = "geartrain-cli";
  std::optional<std::string> reason;
  std::optional<std::string> start_at;
  std::optional<std::int64_t> key_ttl_seconds;
};

/// The body of POST /v1/tasks. The input goes in as it was written, number for number. errc::invalid if it is no JSON object.
expected<std::string> make_create_body(const create_flags& flags);

/// What an --input means: JSON, "@file", or "-" for standard input. errc::invalid if it can't be read.
expected<std::string> read_input(const std::string& argument);

} // namespace geartrain
