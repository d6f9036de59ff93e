#pragma once

#include <optional>
#include <string>

namespace CLI {
class App;
} // namespace CLI

namespace geartrain {

/// Who acts, and why.
struct operator_flags {
  std::string by = "cli";
  std::optional<std::string> reason;
};

enum class reason_flag { optional, required };

/// Adds --reason and --by.
void add_operator_flags(CLI::App& app, operator_flags& flags, reason_flag needed = reason_flag::optional);

/// {"by":…,"reason":…}
std::string note_body(const operator_flags& flags);

} // namespace geartrain
