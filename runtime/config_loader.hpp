#pragma once

#include "runtime/config.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace geartrain {

/// Where the settings of a run come from, weakest first. What none of them names has its default.
struct config_sources {
  std::optional<std::filesystem::path> file;      ///< YAML
  std::map<std::string, std::string> environment; ///< all variables; only those that begin with GEARTRAIN_ matter
  std::map<std::string, std::string> flags;       ///< by key path, such as "database.url"
};

struct loaded_config {
  config settings;
  std::map<std::string, std::string> origins; ///< by key path: "default", "geartrain.yaml:12", "GEARTRAIN_...", "--..."
  std::vector<std::string> warnings;          ///< variables that look like a twin of a key but are none
};

/// Each entry says in one line where (file and line, variable or flag), which key, what is there and what to do.
using config_problems = std::vector<std::string>;

/// Reads and checks all sources at once: either every setting is good, or the answer names everything that is not.
/// Reads the file and nothing else; thread-safe.
std::variant<loaded_config, config_problems> load_config(const config_sources& sources);

/// The variables of this process that begin with GEARTRAIN_. Not to be called while another thread changes them.
std::map<std::string, std::string> process_environment();

} // namespace geartrain
