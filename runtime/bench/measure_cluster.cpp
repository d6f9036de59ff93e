#include "runtime/bench/measure_cluster.hpp"

#include "messages/uuid.hpp"
#include "runtime/bench/closed_loop.hpp"
#include "runtime/bench/phases.hpp"
#include "runtime/bench/process_cpu.hpp"
#include "runtime/bench/snapshot.hpp"
#include "runtime/bench/worker_fleet.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <deque>
#include <optional>
#include <string>

namespace geartrain::bench {

namespace {

constexpr std::chrono::seconds balance_patience{60};
constexpr std::chrono::milliseconds between_looks{100};
constexpr std::uint64_t all_partitions = partition_count;

/// How many partitions a node serves, by its own words.
expected<std::uint64_t> partitions_of(event_loop& loop, http_link& link) {
  auto body = call(loop, link, "/v1/cluster");
  if (!body)
    return body.error();
  auto shown = nlohmann::json::parse(*body, nullptr, false);
  auto owned = nlohmann::json::json_pointer{"/partitions/owned_here"};
  if (!shown.is_object() || !shown.contains(owned) || !shown[owned].is_number_unsigned())
    return failure{errc::invalid, "the node does not tell how many partitions it has: " + body->substr(0, 200)};
  return shown[owned].get<std::uint64_t>();
}

/// One node with its workers and the tasks that are created there.
struct part {
  part(event_loop& loop, node_under_test started)
    : node(std::move(started)), link(loop, node.endpoint()), fleet(loop, node) {}

  node_under_test node;
  http_link link;
  worker_fleet fleet;
  std::optional<closed_loop> load;
};

class cluster_session {
public:
  cluster_session(database_under_test& database, const planned& plan, const bench_options& options)
    : database_(database), plan_(plan), options_(options) {}

  expected<measurement> run(const std::string& url, const node_handlers& handlers) {
    for (std::size_t i = 0; i < options_.nodes; ++i) {
      auto node = node_under_test::start(url, options_.node_settings, handlers, options_.scratch);
      if (!node)
        return node.error();
      parts_.emplace_back(loop_, std::move(*node));
    }
    if (auto even = wait_for_balance(); !even)
      return even.error();
    if (auto made = call(loop_, parts_.front().link, "/v1/templates", plan_.work.template_doc); !made)
      return made.error();
    for (auto& one : parts_)
      if (auto started = one.fleet.start(plan_.driver, options_); !started)
        return started.error();
    return saturate();
  }

private:
  /// A task lives where it was created only as long as partitions do not move.
  expected<bool> wait_for_balance() {
    auto least = all_partitions / parts_.size() / 2;
    auto deadline = steady::now() + balance_patience;
    while (steady::now() < deadline) {
      std::uint64_t served = 0;
      auto fewest = all_partitions;
      for (auto& one : parts_) {
        auto owned = partitions_of(loop_, one.link);
        if (!owned)
          return owned.error();
        served += *owned;
        fewest = std::min(fewest, *owned);
      }
      if (served == all_partitions && fewest >= least)
        return true;
      loop_.run_for(between_looks);
    }
    return failure{errc::timeout,
                   "the nodes do not share the partitions out. A node's log: " + parts_.front().node.log_tail()};
  }

  expected<measurement> saturate() {
    measurement out;
    out.nodes = parts_.size();
    out.window = options_.window > 0 ? options_.window : plan_.work.window;
    for (auto& one : parts_)
      one.load.emplace(loop_, one.node.endpoint(), creation_body(plan_.work), out.window, options_.bulk);
    loop_.run_for(seconds_of(plan_.seconds * warm_up_share));
    auto before = look();
    if (!before)
      return before.error();
    loop_.run_for(seconds_of(plan_.seconds));
    auto after = look();
    if (!after)
      return after.error();
    out.saturation = figures_between(*before, *after);
    for (auto& one : parts_)
      out.peak_memory_bytes = std::max(out.peak_memory_bytes, peak_memory_bytes(one.node.pid()));
    if (auto done = drain(); !done)
      return done.error();
    return out;
  }

  /// The sum of all nodes; the server and this process are looked at once.
  expected<snapshot> look() {
    std::optional<snapshot> sum;
    for (auto& one : parts_) {
      auto seen = take_snapshot(loop_, one.link, {database_, one.node, [&one] { return one.fleet.driver_cpu_us(); }});
      if (!seen)
        return seen.error();
      if (!sum) {
        sum = *seen;
        continue;
      }
      sum->counters += seen->counters;
      if (sum->node_cpu_us && seen->node_cpu_us)
        *sum->node_cpu_us += *seen->node_cpu_us;
    }
    return *sum;
  }

  expected<bool> drain() {
    for (auto& one : parts_)
      one.load->stop();
    auto all_ended = [this] {
      return std::all_of(parts_.begin(), parts_.end(), [](const part& one) { return one.load->is_empty(); });
    };
    if (loop_.run_until(all_ended, drain_patience))
      return true;
    return failure{errc::timeout,
                   "tasks that were accepted do not end. A node's log: " + parts_.front().node.log_tail()};
  }

  database_under_test& database_;
  const planned& plan_;
  const bench_options& options_;
  event_loop loop_;
  std::deque<part> parts_;
};

} // namespace

expected<measurement> measure_cluster(database_under_test& database, const planned& plan,
                                      const bench_options& options) {
  if (plan.driver == driver_kind::python) {
    measurement none;
    none.nodes = options.nodes;
    none.skipped = "several nodes are measured with handlers in process and over HTTP";
    return none;
  }
  auto url = database.prepare();
  if (!url)
    return url.error();
  auto handlers = handlers_of(plan.driver, options);
  return cluster_session{database, plan, options}.run(*url, handlers);
}

} // namespace geartrain::bench
