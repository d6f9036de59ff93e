#include "runtime/cli/cli_context.hpp"
#include "runtime/cli/top_view.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <ostream>
#include <thread>

namespace geartrain {

namespace {

using steady = std::chrono::steady_clock;

struct top_flags {
  bool once = false;
  std::uint32_t interval_ms = 1000;
};

struct timed_look {
  telemetry_look seen;
  steady::time_point at;
};

expected<timed_look> look(const cli_context& context) {
  auto database = parse_answer(get_from_server(context, "/v1/telemetry/database"));
  if (!database)
    return database.error();
  auto actors = parse_answer(get_from_server(context, "/v1/telemetry/actors"));
  if (!actors)
    return actors.error();
  return timed_look{{std::move(*database), std::move(*actors)}, steady::now()};
}

void show(const cli_context& context, const timed_look& before, const timed_look& now, bool once) {
  auto between = std::chrono::duration_cast<milliseconds>(now.at - before.at);
  if (context.output == output_format::json) {
    print_json(context, frame_json(before.seen, now.seen, between));
    return;
  }
  auto title = fmt::format("geartrain top  {}  the last {} ms", context.url, between.count());
  if (context.out_is_terminal && !once)
    *context.out << "\x1b[H\x1b[2J";
  *context.out << render_frame(title, before.seen, now.seen, between, context.paint) << (once ? "" : "\n")
               << std::flush;
}

/// Until somebody interrupts it, or the node is gone.
int watch(const cli_context& context, const top_flags& flags) {
  auto before = look(context);
  while (before) {
    std::this_thread::sleep_until(before->at + milliseconds{flags.interval_ms});
    auto now = look(context);
    if (!now)
      return fail(context, now.error());
    show(context, *before, *now, flags.once);
    if (flags.once)
      return exit_ok;
    before = std::move(now);
  }
  return fail(context, before.error());
}

} // namespace

void add_top_command(CLI::App& app, cli_context& context) {
  auto flags = std::make_shared<top_flags>();
  auto top = app.add_subcommand("top", "Watch what a node is doing, by its own counters");
  top->add_flag("--once", flags->once, "Show one frame and end");
  top->add_option("--interval-ms", flags->interval_ms, "Time between two frames, 100 to 60000")
    ->check(CLI::Range(100, 60000))
    ->capture_default_str();
  top->callback([&context, flags] { context.run = [&context, flags] { return watch(context, *flags); }; });
}

} // namespace geartrain
