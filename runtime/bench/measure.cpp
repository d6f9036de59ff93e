#include "runtime/bench/measure.hpp"

#include "runtime/bench/closed_loop.hpp"
#include "runtime/bench/open_loop.hpp"
#include "runtime/bench/phases.hpp"
#include "runtime/bench/process_cpu.hpp"
#include "runtime/bench/snapshot.hpp"
#include "runtime/bench/timed_task.hpp"
#include "runtime/bench/worker_fleet.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

namespace geartrain::bench {

namespace {

constexpr std::chrono::milliseconds between_looks_at_workers{250};

constexpr std::size_t tasks_before_idle = 20;
constexpr std::size_t most_idle_tasks = 2000;

/// Tasks of those that are open at saturation that are timed, if that is asked for.
constexpr std::size_t timed_at_saturation = 16;

/// One kind of task gets four fifths of the memory: so there is room for what is open at saturation and a fifth more.
constexpr double room_for_the_window = 1.5;

// Creations under way at twice the load: as many as it takes for the node to be what can't keep up.
constexpr std::size_t calls_of_overload = 16;

/// One measurement under way. The loop goes on through all phases, and the workers with it.
class session {
public:
  session(database_under_test& database, const planned& plan, const bench_options& options, node_under_test node)
    : database_(database),
      plan_(plan),
      options_(options),
      node_(std::move(node)),
      link_(loop_, node_.endpoint()),
      fleet_(loop_, node_),
      body_(creation_body(plan.work)) {}

  expected<measurement> run() {
    measurement out;
    out.window = options_.window > 0 ? options_.window : plan_.work.window;
    if (auto made = call(loop_, link_, "/v1/templates", plan_.work.template_doc); !made)
      return made.error();
    if (auto started = fleet_.start(plan_.driver, options_); !started)
      return started.error();
    if (auto done = plan_.idle ? time_idle(out) : true; !done)
      return done.error();
    if (auto done = saturate(out); !done)
      return done.error();
    out.peak_memory_bytes = peak_memory_bytes(node_.pid());
    if (auto done = plan_.half_load ? time_half_load(out) : true; !done)
      return done.error();
    if (auto done = options_.overload ? overload(out) : true; !done)
      return done.error();
    return out;
  }

private:
  /// One task after the other, with nothing else going on.
  expected<bool> time_idle(measurement& out) {
    timed_task lane{loop_, node_.endpoint()};
    std::vector<double> times;
    auto end = steady::now() + seconds_of(plan_.seconds);
    for (std::size_t i = 0; i < tasks_before_idle + most_idle_tasks && (times.empty() || steady::now() < end); ++i) {
      std::optional<expected<std::optional<double>>> taken;
      lane.run(body_, steady::now(), [&taken](const expected<std::optional<double>>& ms) { taken = ms; });
      if (auto over = wait_for([&] { return taken.has_value(); }); !over)
        return over.error();
      if (!*taken)
        return taken->error();
      if (i >= tasks_before_idle && **taken)
        times.push_back(***taken);
    }
    out.idle = figures_of(std::move(times));
    return true;
  }

  /// As much as the node takes.
  expected<bool> saturate(measurement& out) {
    closed_loop load{loop_,      node_.endpoint(), body_,
                     out.window, options_.bulk,    options_.overload ? timed_at_saturation : 0};
    observed who{database_, node_, [this] { return fleet_.driver_cpu_us(); }};
    loop_.run_for(seconds_of(plan_.seconds * warm_up_share));
    auto refused = load.refused();
    auto early = load.times_ms().size();
    auto before = take_snapshot(loop_, link_, who);
    if (!before)
      return before.error();
    loop_.run_for(seconds_of(plan_.seconds));
    auto after = take_snapshot(loop_, link_, who);
    if (!after)
      return after.error();
    out.saturation = figures_between(*before, *after);
    out.saturation->refused = load.refused() - refused;
    if (options_.overload)
      out.overload.emplace().full_load = figures_since(load.times_ms(), early);
    return drain(load);
  }

  /// Half of that, from users who do not wait for each other.
  expected<bool> time_half_load(measurement& out) {
    auto rate = out.saturation->tasks_per_second / 2;
    if (rate <= 0)
      return true;
    open_loop load{loop_, node_.endpoint(), body_, rate, options_.bulk};
    loop_.run_for(seconds_of(plan_.seconds * warm_up_share));
    auto early = load.times_ms().size();
    loop_.run_for(seconds_of(plan_.seconds));
    if (auto done = drain(load); !done)
      return done.error();
    out.half_load_tasks_per_second = rate;
    out.half_load = figures_since(load.times_ms(), early);
    return true;
  }

  /// Twice that, from users who do not wait either.
  expected<bool> overload(measurement& out) {
    auto& figures = *out.overload;
    figures.offered_tasks_per_second = out.saturation->tasks_per_second * 2;
    open_loop load{loop_, node_.endpoint(), body_, figures.offered_tasks_per_second, options_.bulk, calls_of_overload};
    loop_.run_for(seconds_of(plan_.seconds * warm_up_share));
    auto early = load.times_ms().size();
    auto early_refusals = load.refusals_ms().size();
    auto refused = load.refused();
    auto accepted = load.accepted();
    loop_.run_for(seconds_of(plan_.seconds));
    figures.refused = load.refused() - refused;
    figures.accepted_tasks_per_second = static_cast<double>(load.accepted() - accepted) / plan_.seconds;
    if (auto done = drain(load); !done)
      return done.error();
    figures.accepted = figures_since(load.times_ms(), early);
    figures.refusals = figures_since(load.refusals_ms(), early_refusals);
    return true;
  }

  static std::optional<latency_figures> figures_since(const std::vector<double>& all, std::size_t early) {
    return figures_of({all.begin() + static_cast<std::ptrdiff_t>(early), all.end()});
  }

  /// Nothing new; everything that was accepted has to end.
  template <class Load>
  expected<bool> drain(Load& load) {
    load.stop();
    auto over = wait_for([&] { return load.is_empty() || load.broken(); });
    if (load.broken())
      return *load.broken();
    return over;
  }

  template <class Condition>
  expected<bool> wait_for(Condition condition) {
    auto deadline = steady::now() + drain_patience;
    while (!loop_.run_until(condition, between_looks_at_workers)) {
      if (auto why = fleet_.broken())
        return *why;
      if (steady::now() > deadline)
        return failure{errc::timeout, "tasks that were accepted do not end. The node's log: " + node_.log_tail()};
    }
    return true;
  }

  database_under_test& database_;
  const planned& plan_;
  const bench_options& options_;
  node_under_test node_;
  event_loop loop_;
  http_link link_;
  worker_fleet fleet_;
  std::string body_;
};

std::map<std::string, std::string> settings_for(const planned& plan, const bench_options& options) {
  auto out = options.node_settings;
  if (options.overload) {
    auto window = options.window > 0 ? options.window : plan.work.window;
    auto room = std::llround(static_cast<double>(window) * room_for_the_window);
    out.emplace("limits.resident_tasks", std::to_string(room));
    out.emplace("limits.when_full", "refuse");
  }
  return out;
}

} // namespace

expected<measurement> measure(database_under_test& database, const planned& plan, const bench_options& options) {
  measurement out;
  if (auto why = why_not(plan.driver)) {
    out.skipped = *why;
  } else {
    auto url = database.prepare();
    if (!url)
      return url.error();
    auto handlers = handlers_of(plan.driver, options);
    auto node = node_under_test::start(*url, settings_for(plan, options), handlers, options.scratch);
    if (!node)
      return node.error();
    auto measured = session{database, plan, options, std::move(*node)}.run();
    if (!measured)
      return measured;
    out = std::move(*measured);
  }
  return out;
}

} // namespace geartrain::bench
