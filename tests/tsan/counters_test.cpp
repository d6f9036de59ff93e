// Counters that many threads write and a scraper reads. Run under ThreadSanitizer.

#include "db/metrics.hpp"
#include "messages/completion.hpp"
#include "messages/probe.hpp"
#include "runtime/api/admission.hpp"
#include "runtime/http/http_metrics.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

using namespace geartrain;

namespace {

/// Runs `work(index)` on that many threads at once, and `meanwhile` again and again until they are done.
template <class Work, class Meanwhile>
void race(int threads, Work work, Meanwhile meanwhile) {
  std::atomic<int> running{threads};
  std::vector<std::thread> all;
  for (int i = 0; i < threads; ++i)
    all.emplace_back([&, i] {
      work(i);
      --running;
    });
  while (running > 0)
    meanwhile();
  for (auto& thread : all)
    thread.join();
}

} // namespace

TEST_CASE("a completion answers exactly once, whoever is first") {
  for (int round = 0; round < 300; ++round) {
    std::atomic<int> answers{0};
    {
      completion<int> done{[&](expected<int>) { ++answers; }};
      std::vector<std::thread> threads;
      for (int i = 0; i < 3; ++i)
        threads.emplace_back([copy = done, i] {
          if (i < 2)
            copy(i);
        });
      done = {};
      for (auto& thread : threads)
        thread.join();
    }
    CHECK(answers == 1);
  }
}

TEST_CASE("a completion that nobody answers says so, on whatever thread its last copy ends") {
  for (int round = 0; round < 300; ++round) {
    std::atomic<int> dropped{0};
    completion<int> done{[&](expected<int> answer) { dropped += answer ? 0 : 1; }};
    std::thread first{[copy = done] {}};
    std::thread second{[copy = std::move(done)] {}};
    first.join();
    second.join();
    CHECK(dropped == 1);
  }
}

TEST_CASE("probes come and go while they are summed") {
  constexpr int threads = 4, rounds = 50, messages = 20;
  auto name = std::string{"tsan_probe"};
  race(
    threads,
    [&](int) {
      for (int i = 0; i < rounds; ++i) {
        auto probe = probe_set::instance().add(name);
        for (int m = 0; m < messages; ++m) {
          ++probe->enqueued;
          probe->observe(std::chrono::microseconds{m});
        }
        probe_set::instance().count_restart(name);
      }
    },
    [] { probe_set::instance().figures(); });
  for (auto& figures : probe_set::instance().figures())
    if (figures.type == name) {
      CHECK(figures.instances == 0);
      CHECK(figures.handled == threads * rounds * messages);
      CHECK(figures.restarts == threads * rounds);
    }
}

TEST_CASE("database figures are read while they are counted") {
  constexpr int threads = 3, rounds = 2000;
  db_metrics metrics;
  race(
    threads,
    [&](int) {
      for (int i = 0; i < rounds; ++i) {
        auto& counters = metrics.of(db_operation::commit_turns);
        ++counters.round_trips;
        counters.batch_size.observe(i % 300);
      }
    },
    [&] { CHECK(metrics.figures().round_trips <= threads * rounds); });
  auto figures = metrics.figures();
  CHECK(figures.of(db_operation::commit_turns).round_trips == threads * rounds);
  CHECK(figures.of(db_operation::commit_turns).batch_size.count == threads * rounds);
}

TEST_CASE("route figures are read while routes are counted and added") {
  http_metrics metrics;
  auto& route = metrics.add("GET", "/first");
  race(
    3,
    [&](int index) {
      for (int i = 0; i < 500; ++i)
        route.observe(200, std::chrono::microseconds{i});
      metrics.add("GET", "/" + std::to_string(index));
    },
    [&] {
      for (auto* entry : metrics.entries())
        entry->by_class[1].load();
    });
  CHECK(route.by_class[1] == 1500);
}

TEST_CASE("credits are never overdrawn and all come back") {
  constexpr std::uint32_t limit = 10;
  admission gate{{limit, limit, limit, limit}};
  std::atomic<std::uint32_t> inside{0};
  std::atomic<bool> overdrawn{false};
  race(
    4,
    [&](int index) {
      auto amount = static_cast<std::uint32_t>(index + 1);
      for (int i = 0; i < 2000; ++i)
        if (auto ticket = gate.enter(admission_kind::report, amount)) {
          if ((inside += amount) > limit)
            overdrawn = true;
          inside -= amount;
        }
    },
    [&] { gate.in_flight(admission_kind::report); });
  CHECK_FALSE(overdrawn);
  CHECK(gate.in_flight(admission_kind::report) == 0);
}
