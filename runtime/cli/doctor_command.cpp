#include "actors/engine.hpp"
#include "runtime/cli/cli_context.hpp"
#include "runtime/cli/doctor_view.hpp"
#include "runtime/cli/settings_flags.hpp"

#include <CLI/CLI.hpp>

#include <ostream>

namespace geartrain {

namespace {

constexpr milliseconds patience{5000};

expected<http_answer> ask_node(const std::string& url) {
  auto client = http_client::for_url(url);
  if (!client)
    return client.error();
  http_call call;
  call.target = "/health/ready";
  call.deadline = patience;
  return client->send(call); // a node that is not ready answers 503 and says why
}

std::vector<finding> look_at_database(const std::string& dsn) {
  if (dsn.empty())
    return {{"database", verdict::warn, "none is named, so it was not looked at",
             "give --database-url, the variable GEARTRAIN_DATABASE_URL, or database.url in the configuration file"}};
  auto report = check_database(dsn, system_now);
  return report ? judge_database(*report) : std::vector<finding>{judge_no_database(report.error())};
}

} // namespace

void add_doctor_command(CLI::App& app, cli_context& context) {
  auto doctor = app.add_subcommand("doctor", "Check the database and the node, and tell what to do");
  auto flags = add_settings_flags(*doctor, {"database"});
  doctor->callback([&context, flags] {
    context.run = [&context, flags]() -> int {
      auto loaded = load_settings(context, *flags);
      if (auto code = std::get_if<int>(&loaded))
        return *code;
      auto findings = look_at_database(std::get<loaded_config>(loaded).settings.database.url);
      findings.push_back(judge_node(context.url, ask_node(context.url)));
      if (context.output == output_format::json)
        print_json(context, findings_json(findings));
      else
        *context.out << render_findings(findings, context.paint) << std::flush;
      return all_well(findings) ? exit_ok : exit_failed;
    };
  });
}

} // namespace geartrain
