#include "runtime/cli/cli_context.hpp"
#include "runtime/cli/insight_view.hpp"
#include "runtime/cli/json_fields.hpp"
#include "runtime/cli/operator_flags.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <memory>

// Pausing whole namespaces and templates.

namespace geartrain {

namespace {

struct pause_flags {
  std::string target;
  operator_flags note;
};

std::string describe(const nlohmann::json& answer) {
  auto name = field(answer, "namespace");
  if (!member(answer, "template").is_null())
    name += "/" + field(answer, "template");
  return fmt::format("{} is {}{}\n", name, member(answer, "paused") == true ? "paused" : "not paused",
                     member(answer, "changed") == true ? "" : " already");
}

int change(const cli_context& context, const std::string& path, const char* verb, const operator_flags& note) {
  return show_answer(context, send_to_server(context, "POST", path + "/" + verb, note_body(note)), describe);
}

int change_namespace(const cli_context& context, const char* verb, const pause_flags& flags) {
  return change(context, "/v1/namespaces/" + percent_encode(flags.target), verb, flags.note);
}

int change_template(const cli_context& context, const char* verb, const pause_flags& flags) {
  auto parts = split_reference(flags.target);
  if (parts.size() != 2)
    return fail_usage(context, fmt::format("\"{}\" names no template; give NAMESPACE/NAME, all versions are paused "
                                           "together",
                                           flags.target));
  auto path = fmt::format("/v1/templates/{}/{}", percent_encode(parts[0]), percent_encode(parts[1]));
  return change(context, path, verb, flags.note);
}

using changer = int (*)(const cli_context& context, const char* verb, const pause_flags& flags);

void add_command(CLI::App& group, cli_context& context, const char* verb, const char* help, const char* target,
                 changer run) {
  auto flags = std::make_shared<pause_flags>();
  auto app = group.add_subcommand(verb, help);
  app->add_option(target, flags->target, std::string_view{target} == "TEMPLATE" ? "NAMESPACE/NAME" : "Its name")
    ->required();
  add_operator_flags(*app, flags->note);
  app->callback([&context, flags, verb, run] {
    context.run = [&context, flags, verb, run] { return run(context, verb, *flags); };
  });
}

} // namespace

void add_namespace_commands(CLI::App& app, cli_context& context) {
  auto group = app.add_subcommand("namespace", "Pause and resume all tasks of a namespace");
  group->require_subcommand(1);
  add_command(*group, context, "pause", "Hand out nothing more of a namespace; what runs goes on", "NAMESPACE",
              change_namespace);
  add_command(*group, context, "resume", "Let a paused namespace go on", "NAMESPACE", change_namespace);
  auto list = group->add_subcommand("pauses", "List the namespaces and templates that are paused");
  list->callback([&context] {
    context.run = [&context] {
      return show_answer(context, get_from_server(context, "/v1/pauses"),
                         [&context](const nlohmann::json& body) { return render_pauses(body, context.paint); });
    };
  });
}

void add_template_pauses(CLI::App& group, cli_context& context) {
  add_command(group, context, "pause", "Hand out nothing more of a template's tasks; what runs goes on", "TEMPLATE",
              change_template);
  add_command(group, context, "resume", "Let a paused template's tasks go on", "TEMPLATE", change_template);
}

} // namespace geartrain
