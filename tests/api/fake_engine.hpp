#pragma once

#include "actors/directory.hpp"
#include "actors/template_catalog.hpp"
#include "db/metrics.hpp"
#include "runtime/api/engine_calls.hpp"
#include "runtime/api/routes.hpp"
#include "runtime/http/http_server.hpp"
#include "workflow/lease_token.hpp"

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace geartrain::testing {

/// How the database answers one kind of unit.
template <class Unit>
using db_answer = std::function<expected<answer_of<Unit>>(const Unit&)>;

/// The REST API on a real socket above actors that do what the test says. The functions run on threads of the actors; set
/// them before the first request. What is not set drops its request.
class fake_engine {
public:
  explicit fake_engine(std::function<void(api_context&)> configure = {}, http_config http = {});
  ~fake_engine();
  fake_engine(const fake_engine&) = delete;
  fake_engine& operator=(const fake_engine&) = delete;

  std::uint16_t port() const { return server_->port(); }

  /// Ends the HTTP server and every actor, as the destructor does.
  void stop();

  /// A fixed time of the node: 2026-01-02T03:04:05.678901Z.
  static timestamp now();

  std::function<void(const create_task_request&)> on_create;
  std::function<void(const create_tasks_request&)> on_create_all;
  std::function<void(const register_template_request&)> on_register;
  std::function<report_answer(const step_report&)> on_report;   ///< answers at once
  std::function<void(const report_message&)> on_report_message; ///< instead of on_report
  std::function<void(const read_task_request&)> on_read;
  std::function<void(const await_task_request&)> on_await;
  std::function<void(const wait_cancelled&)> on_cancel_wait;
  std::function<void(const poll_request&)> on_poll;
  std::function<void(const poll_cancelled&)> on_cancel;
  std::function<void(const leases_returned&)> on_return;
  std::function<void(const heartbeat_request&)> on_heartbeat;
  std::function<void(const act_request&)> on_act;
  std::function<void(const set_pauses&)> on_pauses;
  std::function<list_tasks_reply(const list_tasks_unit&)> on_list;
  bool database_answers = true; ///< else pings fail

  // What the database says; unavailable if it is not set.
  db_answer<read_audit_unit> on_audit;
  db_answer<list_dead_letters_unit> on_cases;
  db_answer<add_dead_letter_unit> on_add_case;
  db_answer<update_dead_letter_unit> on_update_case;
  db_answer<dead_letter_stats_unit> on_case_stats;
  db_answer<investigation_queue_unit> on_queue;
  db_answer<staleness_unit> on_staleness;
  db_answer<performance_unit> on_performance;
  db_answer<bottlenecks_unit> on_bottlenecks;
  db_answer<read_events_unit> on_events;
  db_answer<set_pause_unit> on_set_pause;
  db_answer<read_pauses_unit> on_read_pauses;

  std::shared_ptr<directory> actors;
  std::shared_ptr<template_catalog> catalog = std::make_shared<template_catalog>();
  std::shared_ptr<token_mint> mint = std::make_shared<token_mint>("a secret of the tests");
  std::shared_ptr<db_metrics> db = std::make_shared<db_metrics>();
  std::shared_ptr<admission> gate = std::make_shared<admission>();

private:
  struct system;
  std::unique_ptr<system> system_;
  std::unique_ptr<http_server> server_;
};

/// A task of `definition` as it is right after creation, with correlation id 018f0000-0000-7000-8000-00000000cccc.
task_context sample_task(const task_template& definition, const std::string& context = "{}");

inline constexpr const char* sample_correlation = "018f0000-0000-7000-8000-00000000cccc";
inline constexpr const char* sample_task_id = "018f0000-0000-7000-8000-123456780000";

/// A step of that task with a lease.
leased_step sample_lease(const task_context& task, std::uint16_t number);

} // namespace geartrain::testing
