#include "runtime/cli/settings_flags.hpp"

#include "runtime/config_schema.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <ostream>

namespace geartrain {

std::shared_ptr<settings_flags> add_settings_flags(CLI::App& app,
                                                   std::initializer_list<std::string_view> only_sections) {
  auto is_left_out = [&](std::string_view section) {
    return only_sections.size() > 0 &&
           std::find(only_sections.begin(), only_sections.end(), section) == only_sections.end();
  };
  auto flags = std::make_shared<settings_flags>();
  app.add_option("--config", flags->file, "Configuration file (YAML)")->envname("GEARTRAIN_CONFIG")->type_name("FILE");
  for (const auto& key : config_keys()) {
    if (is_left_out(key.section()))
      continue;
    auto names = flag_name(key);
    if (!key.flag_alias.empty())
      names += fmt::format(",{}", key.flag_alias);
    auto keep = [flags, path = std::string{key.path}](const std::string& value) { flags->values[path] = value; };
    app.add_option_function<std::string>(names, keep, std::string{key.doc})
      ->type_name(key.kind == value_kind::integer ? "N" : "TEXT")
      ->group(fmt::format("Settings: {} (twins {}_...)", key.section(),
                          environment_name(key).substr(0, 10 + key.section().size())));
  }
  return flags;
}

std::variant<loaded_config, int> load_settings(const cli_context& context, const settings_flags& flags) {
  config_sources sources;
  if (!flags.file.empty())
    sources.file = flags.file;
  sources.environment = context.environment;
  sources.flags = flags.values;
  auto loaded = load_config(sources);
  if (auto problems = std::get_if<config_problems>(&loaded))
    return fail_usage(context, fmt::format("the configuration can't be used:\n  {}", fmt::join(*problems, "\n  ")));
  for (const auto& warning : std::get<loaded_config>(loaded).warnings)
    *context.err << "geartrain: warning: " << warning << std::endl;
  return std::get<loaded_config>(std::move(loaded));
}

} // namespace geartrain
