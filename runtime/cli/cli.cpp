#include "runtime/cli/cli.hpp"

#include "runtime/cli/cli_context.hpp"

#include <CLI/CLI.hpp>

#include <ostream>

namespace geartrain {

namespace {

constexpr const char* foot =
  "Exit codes: 0 ok, 1 failed or a negative answer, 2 wrong usage, 3 the server can't be reached.\n"
  "`geartrain COMMAND --help` tells more.";

void add_global_flags(CLI::App& app, cli_context& context) {
  app.set_version_flag("--version", "geartrain " GEARTRAIN_VERSION);
  app.add_option("--url", context.url, "The server that task, step and template commands talk to")
    ->envname("GEARTRAIN_URL")
    ->capture_default_str();
  app.add_option("--output", context.output, "table, or json: the server's answer as it is")
    ->envname("GEARTRAIN_OUTPUT")
    ->transform(CLI::CheckedTransformer(
      std::map<std::string, output_format>{{"table", output_format::table}, {"json", output_format::json}}))
    ->option_text("table|json, default table (Env:GEARTRAIN_OUTPUT)");
}

// Global flags may also stand behind the command.
void let_through(CLI::App& app) {
  for (auto command : app.get_subcommands([](CLI::App*) { return true; })) {
    command->fallthrough();
    let_through(*command);
  }
}

// A misspelt command would only be reported as a missing one.
std::string explain(const CLI::App& app, const CLI::ParseError& error) {
  auto left_over = app.remaining(true);
  bool no_command = std::string_view{error.what()}.find("subcommand is required") != std::string_view::npos;
  if (no_command && !left_over.empty())
    return "unknown command \"" + left_over.front() + "\"";
  return error.what();
}

// CLI11 consumes its arguments from the back.
int parse(CLI::App& app, std::vector<std::string> arguments, const cli_context& context) {
  std::reverse(arguments.begin(), arguments.end());
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
      app.exit(e, *context.out, *context.err); // --help and --version
      return exit_ok;
    }
    return fail_usage(context, explain(app, e) + "\nRun with --help for more information.");
  }
  return exit_ok;
}

} // namespace

int run_cli(const std::vector<std::string>& arguments, std::map<std::string, std::string> environment,
            const cli_streams& streams) {
  cli_context context;
  context.out = &streams.out;
  context.err = &streams.err;
  context.paint = style{streams.coloured};
  context.out_is_terminal = streams.out_is_terminal;
  context.environment = std::move(environment);
  CLI::App app{"Geartrain: a durable workflow engine on PostgreSQL", "geartrain"};
  app.require_subcommand(1);
  app.footer(foot);
  add_global_flags(app, context);
  add_server_commands(app, context);
  add_task_commands(app, context);
  add_step_commands(app, context);
  add_template_commands(app, context);
  add_namespace_commands(app, context);
  add_dlq_commands(app, context);
  add_analytics_commands(app, context);
  add_retention_commands(app, context);
  add_config_commands(app, context);
  add_cluster_commands(app, context);
  add_top_command(app, context);
  add_doctor_command(app, context);
  add_bench_commands(app, context);
  let_through(app);
  if (auto code = parse(app, arguments, context); code != exit_ok || !context.run)
    return code;
  return context.run();
}

} // namespace geartrain
