#include "runtime/cli/cli_context.hpp"
#include "runtime/cli/table.hpp"
#include "runtime/cli/task_view.hpp"
#include "runtime/cli/template_view.hpp"
#include "runtime/template_files.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <memory>
#include <ostream>

namespace geartrain {

namespace {

int register_files(const cli_context& context, const std::vector<std::string>& files) {
  table rows{{"FILE", "NAMESPACE", "NAME", "VERSION", "DIGEST"}};
  std::string bodies;
  int worst = exit_ok;
  for (const auto& path : files) {
    auto file = read_template_file(path);
    if (!file) {
      worst = std::max<int>(worst, fail(context, file.error()));
      continue;
    }
    auto answer = post_to_server(context, "/v1/templates", file->is_json ? "application/json" : "application/yaml",
                                 std::move(file->text));
    auto body = parse_answer(answer);
    if (!body) {
      worst = std::max(worst, fail(context, {body.error().code, path + ": " + body.error().message}));
      if (worst == exit_unreachable)
        break;
      continue;
    }
    bodies += (bodies.empty() ? "" : ",") + answer->body;
    rows.add({{path},
              {field(*body, "namespace")},
              {field(*body, "name")},
              {field(*body, "version")},
              {field(*body, "digest").substr(0, 12), colour::grey}});
  }
  if (context.output == output_format::json)
    print_json(context, "[" + bodies + "]");
  else if (!rows.empty())
    *context.out << rows.render(context.paint) << std::flush;
  return worst;
}

int list(const cli_context& context, const std::optional<std::string>& namespace_name) {
  auto query = query_text{}.add("namespace", namespace_name);
  return show_answer(context, get_from_server(context, "/v1/templates" + query.text()),
                     [&context](const nlohmann::json& body) { return render_template_list(body, context.paint); });
}

int show(const cli_context& context, const std::string& name) {
  auto parts = split_reference(name);
  if (parts.size() != 3)
    return fail_usage(context,
                      fmt::format("\"{}\" names no template; give NAMESPACE/NAME/VERSION as `geartrain template "
                                  "list` shows them",
                                  name));
  auto target =
    fmt::format("/v1/templates/{}/{}/{}", percent_encode(parts[0]), percent_encode(parts[1]), percent_encode(parts[2]));
  auto answer = get_from_server(context, target);
  auto details = parse_answer(answer);
  if (!details)
    return fail(context, details.error());
  if (context.output == output_format::json)
    return print_json(context, answer->body);
  *context.out << render_template(*details, context.paint) << std::flush;
  return exit_ok;
}

} // namespace

void add_template_commands(CLI::App& app, cli_context& context) {
  struct arguments {
    std::vector<std::string> files;
    std::optional<std::string> namespace_name;
    std::string name;
  };
  auto given = std::make_shared<arguments>();
  auto group = app.add_subcommand("template", "Register, look at and pause task templates");
  group->require_subcommand(1);
  auto register_app = group->add_subcommand("register", "Register templates from YAML or JSON files");
  register_app->add_option("FILE", given->files, "A template; *.json is read as JSON, anything else as YAML")
    ->required();
  register_app->callback(
    [&context, given] { context.run = [&context, given] { return register_files(context, given->files); }; });
  auto list_app = group->add_subcommand("list", "List templates");
  list_app->add_option("--namespace", given->namespace_name, "Only those of this namespace");
  list_app->callback(
    [&context, given] { context.run = [&context, given] { return list(context, given->namespace_name); }; });
  auto show_app = group->add_subcommand("show", "Show a template and its steps");
  show_app->add_option("TEMPLATE", given->name, "NAMESPACE/NAME/VERSION")->required();
  show_app->callback([&context, given] { context.run = [&context, given] { return show(context, given->name); }; });
  add_template_pauses(*group, context);
}

} // namespace geartrain
