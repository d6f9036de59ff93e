#include "runtime/cli/cli_context.hpp"
#include "runtime/cli/insight_view.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <memory>

namespace geartrain {

namespace {

struct analytics_flags {
  std::optional<std::string> hours;
  std::optional<std::string> limit;
  std::optional<std::string> min_executions;
};

} // namespace

void add_analytics_commands(CLI::App& app, cli_context& context) {
  auto flags = std::make_shared<analytics_flags>();
  auto group = app.add_subcommand("analytics", "How tasks and steps have been doing");
  group->require_subcommand(1);

  auto performance = group->add_subcommand("performance", "Show counts, rates and durations");
  performance->add_option("--hours", flags->hours, "Of how many hours, default 24");
  performance->callback([&context, flags] {
    context.run = [&context, flags] {
      auto query = query_text{}.add("hours", flags->hours);
      return show_answer(context, get_from_server(context, "/v1/analytics/performance" + query.text()),
                         [&context](const nlohmann::json& body) { return render_performance(body, context.paint); });
    };
  });

  auto bottlenecks = group->add_subcommand("bottlenecks", "Show the slowest steps and tasks, with advice");
  bottlenecks->add_option("--hours", flags->hours, "Of how many hours, default 24");
  bottlenecks->add_option("--limit", flags->limit, "How many of each, 1 to 100, default 10");
  bottlenecks->add_option("--min-executions", flags->min_executions, "Only those executed so often, default 5");
  bottlenecks->callback([&context, flags] {
    context.run = [&context, flags] {
      query_text query;
      query.add("hours", flags->hours).add("limit", flags->limit).add("min_executions", flags->min_executions);
      return show_answer(context, get_from_server(context, "/v1/analytics/bottlenecks" + query.text()),
                         [&context](const nlohmann::json& body) { return render_bottlenecks(body, context.paint); });
    };
  });
}

} // namespace geartrain
