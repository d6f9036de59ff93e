#include "runtime/cli/cli_context.hpp"
#include "runtime/cli/serve.hpp"
#include "runtime/cli/settings_flags.hpp"

#include <CLI/CLI.hpp>

#include <memory>
#include <ostream>

namespace geartrain {

namespace {

constexpr const char* no_database =
  "no database is named; give --database-url, the variable GEARTRAIN_DATABASE_URL, or "
  "database.url in the configuration file (`geartrain dev` brings its own)";

/// Runs `action` with the settings, if they are good.
template <class Action>
int with_settings(const cli_context& context, const settings_flags& flags, Action action) {
  auto loaded = load_settings(context, flags);
  if (auto code = std::get_if<int>(&loaded))
    return *code;
  return action(std::get<loaded_config>(loaded));
}

void add_dev(CLI::App& app, cli_context& context) {
  auto dev = app.add_subcommand("dev", "Run a node with an embedded PostgreSQL and the example templates");
  auto data_dir = std::make_shared<std::string>();
  dev->add_option("--data-dir", *data_dir, "Where the database is kept; default " + default_data_dir().string())
    ->envname("GEARTRAIN_DATA_DIR")
    ->type_name("DIR");
  auto flags = add_settings_flags(*dev);
  dev->callback([&context, flags, data_dir] {
    context.run = [&context, flags, data_dir] {
      return with_settings(context, *flags, [&](const loaded_config& loaded) {
        if (!loaded.settings.database.url.empty())
          *context.err << "geartrain: warning: database.url is not used: `geartrain dev` brings its own database"
                       << std::endl;
        return serve_dev(context, loaded.settings,
                         data_dir->empty() ? default_data_dir() : std::filesystem::absolute(*data_dir));
      });
    };
  });
}

void add_node(CLI::App& app, cli_context& context) {
  auto node = app.add_subcommand("node", "Run a node on a PostgreSQL");
  auto migrate_first = std::make_shared<bool>(false);
  node->add_flag("--migrate", *migrate_first, "Bring the schema up to date first");
  auto flags = add_settings_flags(*node);
  node->callback([&context, flags, migrate_first] {
    context.run = [&context, flags, migrate_first] {
      return with_settings(context, *flags, [&](const loaded_config& loaded) {
        if (loaded.settings.database.url.empty())
          return fail_usage(context, no_database);
        return serve_node(context, loaded.settings, *migrate_first);
      });
    };
  });
}

void add_migrate(CLI::App& app, cli_context& context) {
  auto migrate = app.add_subcommand("migrate", "Bring the schema of a database up to date; safe to repeat");
  auto flags = add_settings_flags(*migrate, {"database"});
  migrate->callback([&context, flags] {
    context.run = [&context, flags] {
      return with_settings(context, *flags, [&](const loaded_config& loaded) {
        if (loaded.settings.database.url.empty())
          return fail_usage(context, no_database);
        return run_migration(context, loaded.settings.database.url);
      });
    };
  });
}

} // namespace

void add_server_commands(CLI::App& app, cli_context& context) {
  add_dev(app, context);
  add_node(app, context);
  add_migrate(app, context);
}

} // namespace geartrain
