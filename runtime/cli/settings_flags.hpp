#pragma once

#include "runtime/cli/cli_context.hpp"
#include "runtime/config_loader.hpp"

#include <initializer_list>
#include <memory>
#include <string_view>
#include <variant>

namespace geartrain {

/// What a command line says about settings.
struct settings_flags {
  std::string file;                          ///< of --config; empty: none
  std::map<std::string, std::string> values; ///< by key path
};

/// Adds --config and a flag for each key of the configuration, or of some sections of it, to a command.
std::shared_ptr<settings_flags> add_settings_flags(CLI::App& app,
                                                   std::initializer_list<std::string_view> only_sections = {});

/// Loads and checks all settings. Otherwise prints every problem, and the answer is the exit code.
std::variant<loaded_config, int> load_settings(const cli_context& context, const settings_flags& flags);

} // namespace geartrain
