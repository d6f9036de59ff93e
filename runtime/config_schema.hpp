#pragma once

#include "runtime/config.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

// One table describes every key: its name, kind, range, default and meaning. Reading files, the environment twins, the
// command-line flags, `config show` and the commented default file all follow from it.

namespace geartrain {

using config_value = std::variant<std::string, std::int64_t, std::vector<std::string>>;

enum class value_kind : std::uint8_t { text, choice, integer, list };

/// One row of the table. A value: cheap to copy, its views point at literals.
struct config_key {
  std::string_view path; ///< "section.key"
  std::string_view doc;
  value_kind kind = value_kind::text;
  std::int64_t least = 0; ///< of integers
  std::int64_t most = 0;
  std::span<const std::string_view> choices;
  bool secret = false;                          ///< shown only through redact_database_url()
  std::string_view flag_alias;                  ///< a short flag beside the derived one, such as "--listen"
  std::string_view form;                        ///< what a text must look like, for messages; empty: anything
  bool (*has_form)(std::string_view) = nullptr; ///< checks `form`, of a text or of each element of a list
  config_value (*get)(const config&) = nullptr;
  void (*set)(config&, const config_value&) = nullptr; ///< the value must have passed parse_config_value()

  std::string_view section() const { return path.substr(0, path.find('.')); }
  std::string_view name() const { return path.substr(path.find('.') + 1); }
};

struct config_section {
  std::string_view name;
  std::string_view doc;
};

/// All sections and all keys, in the order in which they are shown. Thread-safe.
std::span<const config_section> config_sections();
std::span<const config_key> config_keys();

/// The key of that path; null if there is none.
const config_key* find_config_key(std::string_view path);

/// "GEARTRAIN_DATABASE_MAX_BATCH" of "database.max_batch".
std::string environment_name(const config_key& key);

/// "--database-max-batch" of "database.max_batch".
std::string flag_name(const config_key& key);

/// Reads a value as it stands in the environment or in a flag (lists are separated by commas). The string of the answer
/// is the complaint, ready for a person, without the key.
std::variant<config_value, std::string> parse_config_value(const config_key& key, std::string_view text);

/// Checks one element of a list; empty: nothing wrong.
std::string complaint_about_element(const config_key& key, std::string_view element);

/// What the key may hold, as in "a whole number from 1 to 64".
std::string describe_allowed(const config_key& key);

/// The value as text for people, secrets redacted.
std::string show_config_value(const config_key& key, const config_value& value);

/// The default configuration as a YAML file in which each key has a comment.
std::string default_config_text();

} // namespace geartrain
