#include "actors/event_feed.hpp"
#include "tests/node/running_node.hpp"

#include <doctest/doctest.h>

#include <mutex>

using namespace geartrain;
using namespace geartrain::test;

namespace {

constexpr auto shipping = R"(
name: shipping
namespace_name: test
version: 1.0.0
identity_strategy: always_unique
steps:
  - name: ship
    handler: {callable: ship}
    retry: {max_attempts: 2, backoff: none}
    publishes_events:
      - {name: seen.fast, description: d, schema: {}, delivery_mode: fast}
      - {name: seen.both, description: d, schema: {}, delivery_mode: broadcast}
      - {name: read.later, description: d, schema: {}, delivery_mode: durable}
      - {name: tried.again, description: d, schema: {}, delivery_mode: fast, condition: retryable_failure}
)";

/// What a listener heard; its callbacks come from the node's threads.
class heard_events {
public:
  event_feed::listener listener() {
    return [this](const std::string& namespace_name, const domain_event& event) {
      std::lock_guard lock{mutex_};
      all_.push_back(namespace_name + " " + event.name + " " + std::to_string(event.number));
    };
  }

  std::vector<std::string> all() const {
    std::lock_guard lock{mutex_};
    return all_;
  }

private:
  mutable std::mutex mutex_;
  std::vector<std::string> all_;
};

} // namespace

TEST_CASE("fast and broadcast events reach those who listen in the node's process, once and after the commit") {
  running_node running;
  running.add_template(shipping);
  local_worker worker{running.served->shared(),
                      running.worker_options(),
                      {{"ship", [](const handler_context& context) {
                          return context.attempt() == 1
                                   ? handler_result{handler_failure{"no carrier", "busy", true, {}}}
                                   : handler_result{handler_success{R"({"parcel":1})"}};
                        }}}};
  heard_events heard;
  auto& feed = *running.served->shared().events;
  auto listening = feed.listen(heard.listener());
  running.wait_for(running.create("shipping"));
  CHECK(heard.all() == std::vector<std::string>{"test tried.again 1", "test seen.fast 1", "test seen.both 1"});
  CHECK(feed.published() == 3);
  CHECK(running.database.number("SELECT count(*) FROM geartrain.domain_events") == 2);
  CHECK(running.database.number(
          "SELECT count(*) FROM geartrain.domain_events WHERE name IN ('read.later', 'seen.both')") == 2);

  feed.stop_listening(listening);
  running.wait_for(running.create("shipping"));
  CHECK(heard.all().size() == 3);
}
