#include "runtime/cli/cli_context.hpp"
#include "runtime/cli/settings_flags.hpp"
#include "runtime/cli/table.hpp"
#include "runtime/config_schema.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <ostream>

namespace geartrain {

namespace {

nlohmann::ordered_json to_json(const config_key& key, const config_value& value) {
  if (auto whole = std::get_if<std::int64_t>(&value))
    return *whole;
  if (auto list = std::get_if<std::vector<std::string>>(&value))
    return *list;
  return show_config_value(key, value);
}

std::string as_json(const loaded_config& loaded) {
  auto out = nlohmann::ordered_json::object();
  for (const auto& key : config_keys())
    out[std::string{key.section()}][std::string{key.name()}] = {{"value", to_json(key, key.get(loaded.settings))},
                                                                {"from", loaded.origins.at(std::string{key.path})}};
  return out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string as_table(const loaded_config& loaded, const style& paint) {
  table rows{{"KEY", "VALUE", "FROM"}};
  for (const auto& key : config_keys()) {
    const auto& origin = loaded.origins.at(std::string{key.path});
    rows.add({{std::string{key.path}},
              {one_line(show_config_value(key, key.get(loaded.settings)))},
              {origin, origin == "default" ? colour::grey : colour::cyan}});
  }
  return rows.render(paint);
}

int show(const cli_context& context, const settings_flags& flags) {
  auto loaded = load_settings(context, flags);
  if (auto code = std::get_if<int>(&loaded))
    return *code;
  const auto& settings = std::get<loaded_config>(loaded);
  if (context.output == output_format::json)
    return print_json(context, as_json(settings));
  *context.out << as_table(settings, context.paint) << std::flush;
  return exit_ok;
}

} // namespace

void add_config_commands(CLI::App& app, cli_context& context) {
  auto group = app.add_subcommand("config", "Look at the configuration");
  group->require_subcommand(1);
  auto show_app = group->add_subcommand("show", "Show each setting and where it comes from; passwords are hidden");
  auto flags = add_settings_flags(*show_app);
  show_app->callback([&context, flags] { context.run = [&context, flags] { return show(context, *flags); }; });
  auto default_app = group->add_subcommand("default", "Print a configuration file with every default and its meaning");
  default_app->callback([&context] {
    context.run = [&context] {
      *context.out << default_config_text() << std::flush;
      return exit_ok;
    };
  });
}

} // namespace geartrain
