#include "runtime/cli/operator_flags.hpp"

#include "runtime/cli/json_fields.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace geartrain {

void add_operator_flags(CLI::App& app, operator_flags& flags, reason_flag needed) {
  app.add_option("--reason", flags.reason, "Why; it is kept")->required(needed == reason_flag::required);
  app.add_option("--by", flags.by, "Who does it; it is kept, too")->capture_default_str();
}

std::string note_body(const operator_flags& flags) {
  nlohmann::json body{{"by", flags.by}};
  if (flags.reason)
    body["reason"] = *flags.reason;
  return dump_json(body);
}

} // namespace geartrain
