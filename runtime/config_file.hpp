#pragma once

#include "runtime/config_schema.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace geartrain {

/// One good line of a configuration file.
struct config_file_entry {
  const config_key* key = nullptr;
  config_value value;
  int line = 0; ///< 1-based
};

struct config_file_content {
  std::vector<config_file_entry> values;
  std::vector<std::string> problems; ///< "file:line: key: what is wrong; what to do"
};

/// Reads a YAML configuration file and checks every line of it. Thread-safe.
config_file_content read_config_file(const std::filesystem::path& path);

} // namespace geartrain
