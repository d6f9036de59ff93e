#include "runtime/local_worker.hpp"

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

namespace geartrain {

namespace {

// Short enough to notice the end soon, long enough to cost nothing.
constexpr milliseconds poll_wait{500};
constexpr milliseconds pause_after_failure{100};

template <class T>
std::pair<completion<T>, std::future<expected<T>>> make_waiter() {
  auto promise = std::make_shared<std::promise<expected<T>>>();
  auto answer = promise->get_future();
  return {completion<T>{[promise](expected<T> value) { promise->set_value(std::move(value)); }}, std::move(answer)};
}

handler_result call(const handler_function& handler, const handler_context& context) {
  try {
    return handler(context);
  } catch (const std::exception& e) {
    return handler_failure{e.what(), "handler_error", true, std::nullopt};
  } catch (...) {
    return handler_failure{"the handler threw something that is no std::exception", "handler_error", true,
                           std::nullopt};
  }
}

step_report make_report(const leased_step& leased, handler_result result, std::chrono::milliseconds spent) {
  step_report report;
  report.token = leased.held.token;
  report.worker = leased.held.worker;
  report.execution_time_ms = spent.count();
  if (auto* success = std::get_if<handler_success>(&result)) {
    report.success = true;
    report.result = json_text{std::move(success->result)};
    return report;
  }
  auto& failed = std::get<handler_failure>(result);
  report.retryable = failed.retryable;
  report.requested_delay = failed.retry_after;
  nlohmann::json error{{"message", failed.message}, {"error_type", failed.error_type}, {"retryable", failed.retryable}};
  report.error = json_text{error.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)};
  return report;
}

} // namespace

std::optional<std::string_view> handler_context::dependency_result(std::string_view step) const {
  for (auto& result : leased_.step->dependency_results)
    if (step == (result.instance.empty() ? leased_.step->definition->steps[result.definition].name : result.instance))
      return result.value.view_or("null");
  return std::nullopt;
}

class local_worker::pool {
public:
  pool(const engine& shared, options settings, std::map<std::string, handler_function> handlers)
    : engine_(shared), settings_(std::move(settings)), handlers_(std::move(handlers)) {
    for (auto& [callable, handler] : handlers_)
      callables_.push_back(callable);
    for (std::size_t i = 0; i < settings_.threads; ++i)
      workers_.emplace_back([this] { work(); });
    heart_ = std::thread{[this] { beat(); }};
  }

  ~pool() {
    stop(stopping_);
    for (auto& thread : workers_)
      thread.join();
    stop(finished_);
    heart_.join();
  }

private:
  void stop(bool& flag) {
    std::lock_guard guard{mutex_};
    flag = true;
    changed_.notify_all();
  }

  /// Waits for `time`; true if the pool stops before.
  bool stops_within(milliseconds time) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, time, [this] { return stopping_; });
  }

  void work() {
    while (!stops_within(milliseconds{0}))
      for (auto& leased : take())
        finish(leased);
  }

  /// Keeps the leases of running handlers, also while the pool stops.
  void beat() {
    std::unique_lock lock{mutex_};
    while (!changed_.wait_for(lock, engine_.settings.lease / 3, [this] { return finished_; }))
      if (!running_.empty())
        caf::anon_send(engine_.actors->dispatcher(),
                       heartbeat_request{settings_.worker_id, running_, completion<std::vector<heartbeat_answer>>{}});
  }

  void note_running(const lease_token& token) {
    std::lock_guard guard{mutex_};
    running_.push_back(token);
  }

  void note_finished(const lease_token& token) {
    std::lock_guard guard{mutex_};
    std::erase(running_, token);
  }

  std::vector<leased_step> take() {
    auto [done, answer] = make_waiter<std::vector<leased_step>>();
    caf::anon_send(engine_.actors->dispatcher(),
                   poll_request{engine_.random(), settings_.worker_id, settings_.namespaces, callables_, 1, poll_wait,
                                std::move(done)});
    auto taken = answer.get();
    if (taken)
      return std::move(*taken);
    stops_within(pause_after_failure);
    return {};
  }

  void finish(const leased_step& leased) {
    note_running(leased.held.token);
    auto begin = std::chrono::steady_clock::now();
    auto result = call(handlers_.at(leased.step->step().handler.callable), handler_context{leased});
    auto spent = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begin);
    auto report = make_report(leased, std::move(result), spent);
    // What was computed is delivered until somebody answers for it; only a node that ends may not answer any more.
    while (!deliver(report) && !stops_within(pause_after_failure)) {
    }
    note_finished(leased.held.token);
  }

  bool deliver(const step_report& report) {
    auto [done, answer] = make_waiter<report_answer>();
    auto owner = engine_.actors->processor_of(task_of(report.token.step));
    caf::anon_send(owner, submit_reports{{{report, std::move(done)}}});
    return static_cast<bool>(answer.get());
  }

  const engine& engine_;
  options settings_;
  std::map<std::string, handler_function> handlers_;
  std::vector<std::string> callables_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false; ///< take nothing new
  bool finished_ = false; ///< no handler runs any more
  std::vector<lease_token> running_;
  std::vector<std::thread> workers_;
  std::thread heart_;
};

local_worker::local_worker(const engine& shared, options settings, std::map<std::string, handler_function> handlers)
  : pool_(std::make_unique<pool>(shared, std::move(settings), std::move(handlers))) {}

local_worker::~local_worker() = default;

} // namespace geartrain
