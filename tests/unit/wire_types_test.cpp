#include "messages/actor_base.hpp"
#include "messages/interfaces.hpp"
#include "messages/wire_types.hpp"

#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <doctest/doctest.h>

#include <algorithm>

using namespace geartrain;

namespace {

struct fixture {
  fixture() {
    config.set("scheduler.policy", caf::atom("testing"));
    config.add_message_types<caf::id_block::geartrain>();
    system = std::make_unique<caf::actor_system>(config);
  }

  void run() { static_cast<caf::scheduler::test_coordinator&>(system->scheduler()).run(); }

  caf::actor_system_config config;
  std::unique_ptr<caf::actor_system> system;
};

class listener : public actor_base<peer_link_actor::base> {
public:
  using super = actor_base<peer_link_actor::base>;

  listener(caf::actor_config& config, std::vector<std::string>& heard) : super(config), heard_(heard) {}

protected:
  behavior_type make_behavior() override {
    return {
      [this](const peer_hello& hello, const caf::strong_actor_ptr& who) {
        heard_.push_back("hello " + std::to_string(hello.wire) + (who ? " from somebody" : ""));
      },
      [this](const peer_call& call) { heard_.push_back("call " + std::to_string(call.id)); },
      [this](const peer_answer& answer) { heard_.push_back("answer " + std::to_string(answer.id)); },
      [this](const peer_notice& notice) { heard_.push_back("notice " + std::to_string(notice.body.index())); },
    };
  }

private:
  std::vector<std::string>& heard_;
};

class watch : public actor_base<timers_actor::base> {
public:
  using super = actor_base<timers_actor::base>;

  watch(caf::actor_config& config, std::vector<std::string>& heard) : super(config), heard_(heard) {}

protected:
  behavior_type make_behavior() override {
    return {
      [this](const arm_timer& timer) { heard_.push_back("timer " + std::to_string(number_of(timer.step))); },
      [this](const tick&) { heard_.emplace_back("tick"); },
    };
  }

private:
  std::vector<std::string>& heard_;
};

peer_call sample_call() {
  return {7, await_call{make_task_id(std::chrono::microseconds{1700000000000000}, 5), milliseconds{1500}}};
}

} // namespace

TEST_CASE("messages that travel and messages that never leave the process reach their actors side by side") {
  fixture f;
  std::vector<std::string> heard;
  peer_link_actor link = f.system->spawn<listener>(heard);
  timers_actor timers = f.system->spawn<watch>(heard);
  caf::anon_send(link, peer_hello{}, caf::actor_cast<caf::strong_actor_ptr>(link));
  caf::anon_send(timers, arm_timer{make_step_id({}, 3), {}});
  caf::anon_send(link, sample_call());
  caf::anon_send(link, peer_answer{8, failure{}});
  caf::anon_send(timers, tick{});
  caf::anon_send(link, peer_notice{look_again{}});
  f.run();
  std::sort(heard.begin(), heard.end());
  CHECK(heard ==
        std::vector<std::string>{"answer 8", "call 7", "hello 2 from somebody", "notice 4", "tick", "timer 3"});
  caf::anon_send_exit(link, caf::exit_reason::kill);
  caf::anon_send_exit(timers, caf::exit_reason::kill);
  f.run();
  link = nullptr;
  timers = nullptr;
  CHECK(f.system->registry().running() == 0);
}

TEST_CASE("a message that travels is found again by its type") {
  fixture f;
  std::vector<char> bytes;
  auto sent = caf::make_message(sample_call());
  caf::binary_serializer sink{*f.system, bytes};
  REQUIRE_FALSE(sink(sent));
  caf::message received;
  caf::binary_deserializer source{*f.system, bytes};
  REQUIRE_FALSE(source(received));
  REQUIRE(received.match_elements<peer_call>());
  auto& call = received.get_as<peer_call>(0);
  CHECK(call.id == 7);
  CHECK(std::get<await_call>(call.body).wait == milliseconds{1500});
  CHECK(caf::to_string(sent) == "(<unprintable>)");
}
