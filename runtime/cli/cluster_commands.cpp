#include "runtime/cli/cli_context.hpp"
#include "runtime/cli/json_fields.hpp"
#include "runtime/cli/table.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <memory>

// The cluster that the server of --url belongs to.

namespace geartrain {

namespace {

using json = nlohmann::json;

std::string render_cluster(const json& view, const style& paint) {
  table rows{{"NODE", "STATE", "PARTITIONS", "LAST BEAT", "LINK", "LINKS AT", "SERVES", "ID"}};
  for (const auto& one : member(view, "nodes"))
    rows.add({{field(one, "name")},
              {field(one, "state")},
              {field(one, "partitions")},
              {field(one, "silent_for_ms") + " ms ago"},
              {field(one, "link")},
              {field(one, "address")},
              {field(one, "url")},
              {field(one, "id")}});
  const auto& partitions = member(view, "partitions");
  return rows.render(paint) + fmt::format("\nAsked: {}. {} of {} partitions have no owner.\n",
                                          field(member(view, "node"), "name"), field(partitions, "unowned"),
                                          field(partitions, "total"));
}

std::string describe(const json& answer) {
  return fmt::format("{} node(s) told; `geartrain cluster status` shows how it goes\n", field(answer, "nodes"));
}

void add_status(CLI::App& group, cli_context& context) {
  group.add_subcommand("status", "List the nodes and what they own")->callback([&context] {
    context.run = [&context] {
      return show_answer(context, get_from_server(context, "/v1/cluster"),
                         [&context](const json& body) { return render_cluster(body, context.paint); });
    };
  });
}

void add_for_node(CLI::App& group, cli_context& context, const char* verb, const char* help) {
  auto name = std::make_shared<std::string>();
  auto app = group.add_subcommand(verb, help);
  app->add_option("NODE", *name, "Its name or id")->required();
  app->callback([&context, name, verb] {
    context.run = [&context, name, verb] {
      auto body = json{{"node", *name}}.dump(-1, ' ', false, json::error_handler_t::replace);
      return show_answer(context, send_to_server(context, "POST", std::string{"/v1/cluster/"} + verb, body), describe);
    };
  });
}

} // namespace

void add_cluster_commands(CLI::App& app, cli_context& context) {
  auto group = app.add_subcommand("cluster", "Look at the nodes of a cluster, and move their partitions");
  group->require_subcommand(1);
  add_status(*group, context);
  add_for_node(*group, context, "drain", "Let a node give its partitions away; it goes on serving requests");
  add_for_node(*group, context, "undrain", "Let it have partitions again");
  group->add_subcommand("rebalance", "Let every node look at once whether partitions should move")
    ->callback([&context] {
      context.run = [&context] {
        return show_answer(context, send_to_server(context, "POST", "/v1/cluster/rebalance", "{}"), describe);
      };
    });
}

} // namespace geartrain
