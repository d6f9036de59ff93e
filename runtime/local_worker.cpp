#include "runtime/local_worker.hpp"

#include "actors/task_routes.hpp"

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <unordered_map>

namespace geartrain {

namespace {

constexpr milliseconds poll_wait{30000};
constexpr milliseconds pause_after_failure{100};

// Steps held at a time: more results on their way to the database than this would only wait there.
constexpr std::size_t max_unanswered = 16384;

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

/// One poll is open at a time, for as many steps as there is room for. A step is held from its arrival until its report is
/// answered; what is held is renewed, and reported again if nobody answered. Nothing is sent, and no handler runs, under
/// the mutex: a message that finds no actor answers at once, on the sending thread.
class local_worker::pool {
public:
  pool(const engine& shared, options settings, std::map<std::string, handler_function> handlers)
    : engine_(shared), settings_(std::move(settings)), handlers_(std::move(handlers)) {
    for (auto& [callable, handler] : handlers_)
      callables_.push_back(callable);
    for (std::size_t i = 0; i < settings_.threads; ++i)
      workers_.emplace_back([this] { work(); });
    heart_ = std::thread{[this] { beat(); }};
    ask();
  }

  ~pool() {
    give_back();
    for (auto& thread : workers_)
      thread.join();
    {
      std::unique_lock lock{mutex_};
      // Again and again: the first one may have overtaken its poll.
      while (!changed_.wait_for(lock, pause_after_failure, [this] { return !polling_ && held_.empty(); }))
        caf::anon_send(engine_.actors->dispatcher(), poll_cancelled{poll_id_});
      ended_ = true;
    }
    changed_.notify_all();
    heart_.join();
  }

private:
  using clock = std::chrono::steady_clock;

  // -- steps come in -------------------------------------------------------------

  /// Opens a poll if there is none and there is room.
  void ask() {
    poll_request poll;
    {
      std::lock_guard guard{mutex_};
      auto places = settings_.threads + settings_.prefetch;
      auto room = places - std::min(places, queue_.size() + running_);
      // Few polls for many steps, where many are taken.
      if (stopping_ || polling_ || resume_at_ || room < std::max<std::size_t>(1, places / 4) || is_full())
        return;
      polling_ = true;
      poll.max_steps = static_cast<std::uint32_t>(room);
      poll.poll_id = poll_id_ = engine_.random();
    }
    poll.worker = settings_.worker_id;
    poll.namespaces = settings_.namespaces;
    poll.handlers = callables_;
    poll.wait = poll_wait;
    poll.done = completion<std::vector<leased_step>>{
      [this](expected<std::vector<leased_step>> answer) { take(std::move(answer)); }};
    caf::anon_send(engine_.actors->dispatcher(), std::move(poll));
  }

  void take(expected<std::vector<leased_step>> answer) {
    std::vector<lease_token> unwanted;
    auto& shared = engine_;
    {
      std::lock_guard guard{mutex_};
      polling_ = false;
      if (!answer || answer->empty())
        resume_at_ = clock::now() + pause_after_failure; // nobody serves polls right now
      else if (stopping_)
        for (auto& leased : *answer)
          unwanted.push_back(leased.held.token);
      else
        for (auto& leased : *answer) {
          held_.emplace(leased.held.token.nonce, held_step{leased.held.token, {}});
          queue_.push_back(std::move(leased));
          arrived_.notify_one();
        }
      if (stopping_ || resume_at_)
        changed_.notify_all(); // under the mutex: the pool may be gone right after it
    }
    if (!unwanted.empty())
      return_leases(shared, std::move(unwanted));
  }

  // -- handlers run ----------------------------------------------------------------

  void work() {
    while (auto leased = next()) {
      ask();
      auto begin = clock::now();
      auto result = call(handlers_.at(leased->step->step().handler.callable), handler_context{*leased});
      auto spent = std::chrono::duration_cast<milliseconds>(clock::now() - begin);
      auto report = make_report(*leased, std::move(result), spent);
      {
        std::lock_guard guard{mutex_};
        --running_;
      }
      deliver(std::move(report));
      ask();
    }
  }

  std::optional<leased_step> next() {
    std::unique_lock lock{mutex_};
    arrived_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_)
      return std::nullopt;
    auto leased = std::move(queue_.front());
    queue_.pop_front();
    ++running_;
    return leased;
  }

  // -- results go out ------------------------------------------------------------------

  void deliver(step_report report) {
    completion<report_answer> done{[this, report](expected<report_answer> answer) { answered(report, answer); }};
    std::vector<report_message> one;
    one.push_back({std::move(report), std::move(done)});
    send_reports(*engine_.actors, std::move(one));
  }

  /// What was computed is delivered until somebody answers for it; only a node that ends may not answer any more.
  void answered(const step_report& report, const expected<report_answer>& answer) {
    std::lock_guard guard{mutex_};
    if (answer || stopping_) {
      if (is_full())
        resume_at_ = clock::now(); // not from here: an actor's thread answers
      held_.erase(report.token.nonce);
      if (!stopping_ && !resume_at_)
        return;
    } else {
      held_.at(report.token.nonce).unanswered = report;
      redeliver_at_ = clock::now() + pause_after_failure;
    }
    changed_.notify_all();
  }

  // -- in the background -----------------------------------------------------------------

  /// Keeps the leases of everything held, also while the pool stops, and repeats what failed.
  void beat() {
    auto beat_at = clock::now() + engine_.settings.lease / 3;
    std::unique_lock lock{mutex_};
    while (!ended_) {
      changed_.wait_until(lock, std::min({beat_at, redeliver_at_.value_or(beat_at), resume_at_.value_or(beat_at)}));
      auto now = clock::now();
      std::vector<lease_token> tokens;
      std::vector<step_report> again;
      if (now >= beat_at) {
        beat_at = now + engine_.settings.lease / 3;
        for (auto& [nonce, step] : held_)
          tokens.push_back(step.token);
      }
      if (redeliver_at_ && (now >= *redeliver_at_ || stopping_)) {
        redeliver_at_.reset();
        for (auto& [nonce, step] : held_)
          if (step.unanswered)
            again.push_back(*std::exchange(step.unanswered, std::nullopt));
      }
      if (resume_at_ && now >= *resume_at_)
        resume_at_.reset();
      lock.unlock();
      if (!tokens.empty())
        send_heartbeat(*engine_.actors, {settings_.worker_id, std::move(tokens), {}});
      for (auto& report : again)
        deliver(std::move(report));
      ask();
      lock.lock();
    }
  }

  /// No step is begun any more; those that wait here go back.
  void give_back() {
    std::vector<lease_token> waiting;
    poll_cancelled open;
    {
      std::lock_guard guard{mutex_};
      stopping_ = true;
      open.poll_id = poll_id_;
      for (auto& leased : std::exchange(queue_, {})) {
        waiting.push_back(leased.held.token);
        held_.erase(leased.held.token.nonce);
      }
    }
    arrived_.notify_all();
    caf::anon_send(engine_.actors->dispatcher(), open);
    if (!waiting.empty())
      return_leases(engine_, std::move(waiting));
  }

  static void return_leases(const engine& shared, std::vector<lease_token> tokens) {
    send_returned(*shared.actors, std::move(tokens));
  }

  bool is_full() const { return held_.size() >= max_unanswered; }

  struct held_step {
    lease_token token;
    std::optional<step_report> unanswered; ///< to be reported again
  };

  const engine& engine_;
  const options settings_;
  const std::map<std::string, handler_function> handlers_;
  std::vector<std::string> callables_;
  std::mutex mutex_;
  std::condition_variable arrived_; ///< for handlers
  std::condition_variable changed_; ///< for the heart, and for the end
  std::deque<leased_step> queue_;   ///< not begun
  std::size_t running_ = 0;
  std::unordered_map<std::uint64_t, held_step> held_; ///< by nonce
  bool polling_ = false;
  std::uint64_t poll_id_ = 0;
  std::optional<clock::time_point> resume_at_;    ///< no poll before
  std::optional<clock::time_point> redeliver_at_; ///< set if something is unanswered
  bool stopping_ = false;                         ///< take nothing new
  bool ended_ = false;                            ///< nothing is held any more
  std::vector<std::thread> workers_;
  std::thread heart_;
};

local_worker::local_worker(const engine& shared, options settings, std::map<std::string, handler_function> handlers)
  : pool_(std::make_unique<pool>(shared, std::move(settings), std::move(handlers))) {}

local_worker::~local_worker() = default;

} // namespace geartrain
