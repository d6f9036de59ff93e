#pragma once

#include "actors/directory.hpp"
#include "actors/event_feed.hpp"
#include "actors/template_catalog.hpp"
#include "messages/cluster.hpp"
#include "workflow/turn.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace geartrain {

/// The bounds and times that the actors work with; validated by the node's configuration.
struct engine_settings {
  std::size_t shards = 2;
  milliseconds lease{30000};           ///< how long a dispatched step is held without a heartbeat
  milliseconds claim_after{1000};      ///< steps held longer than this are recorded, so that a restart respects them
  milliseconds tick{50};               ///< resolution of lease expiry and of the end of long polls
  milliseconds report_patience{20000}; ///< how long a report waits for the database before it is refused
  std::size_t max_resident = 100000;   ///< contexts in memory, over all shards
  milliseconds reconcile_every{3000};  ///< how often overdue tasks are looked for
  milliseconds sweep_every{30000};     ///< how often each shard looks for open tasks that nobody made resident
  milliseconds inbox_every{5000};      ///< how often the inbox is read when no notification comes
  std::string environment;             ///< whose overrides of templates apply; empty: none
  retry_defaults retry;
  turn_rules rules;
};

/// What turns cost: written by the result processors, read by the scraper. All atomic.
struct turn_metrics {
  static constexpr std::size_t slots = 5; ///< the last one also holds everything above
  std::atomic<std::uint64_t> turns{0};
  std::atomic<std::uint64_t> outcomes{0};
  std::atomic<std::uint64_t> conflicts{0};
  std::atomic<std::uint64_t> tasks_ended{0};                   ///< turns that left their task in a terminal state
  std::array<std::atomic<std::uint64_t>, slots> round_trips{}; ///< turns by their number of round trips
  std::atomic<int> shards_full{0};                             ///< shards with open tasks that find no room in memory
};

/// What a node needs to be one of a cluster. The outside comes in through functions, so that tests own it.
struct cluster_wiring {
  member self; ///< without what the storage fills in
  milliseconds beat{1000};
  milliseconds valid_for{3500}; ///< without a beat for so long, others take over
  milliseconds beat_alone{3000};
  milliseconds valid_alone{9000};
  milliseconds call_patience{3000}; ///< how long an owner may take to answer before the call is dealt with here
  /// Opens a way to the node that listens there; the answer is the handle that it published.
  std::function<void(const std::string& address, completion<caf::strong_actor_ptr> done)> connect;
  /// Whether a process of this machine lives; nothing if that can't be seen from here.
  std::function<std::optional<bool>(const host_process&)> still_runs;
};

/// What every actor of the engine shares. Immutable but for the thread-safe parts behind the pointers.
/// Time and randomness come in through it, so that tests own both.
struct engine {
  engine_settings settings;
  std::shared_ptr<directory> actors;
  std::shared_ptr<template_catalog> catalog;
  std::shared_ptr<event_feed> events = std::make_shared<event_feed>();
  std::shared_ptr<turn_metrics> turns = std::make_shared<turn_metrics>();
  /// Reads a row of the inbox as the API reads a creation request; errc::invalid says what is wrong with it.
  std::function<expected<create_task>(const inbox_row&)> read_inbox_row;
  std::optional<cluster_wiring> cluster; ///< absent: the node serves everything
  std::function<timestamp()> now;
  std::function<std::uint64_t()> random; ///< uniform 64 bits; callable from any thread

  /// Uniform in [0, 1).
  double random_fraction() const { return static_cast<double>(random() >> 11) * 0x1.0p-53; }
};

using engine_ptr = std::shared_ptr<const engine>;

/// Wall-clock now and a generator per thread seeded by the system: what a node uses.
timestamp system_now();
std::uint64_t system_random();

} // namespace geartrain
