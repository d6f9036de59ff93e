#include "actors/peer_link_impl.hpp"
#include "actors/task_routes.hpp"
#include "messages/wire_templates.hpp"

#include <algorithm>

// Calls to the owner of a task, and what is done with those that it does not answer.

namespace geartrain {

namespace {

// Calls on their way to one peer. One that takes no more is treated as one that is not there.
constexpr std::size_t most_calls = 4096;

const failure unreachable{errc::unavailable, "the node that holds this lease can't be reached; try again"};

/// The peer did not do it, but it can be done: it is about to end, or the answer was too large to travel.
bool must_be_done_here(const failure& why) {
  return why.code == errc::stopping || why.code == errc::dropped || why.code == errc::overloaded;
}

} // namespace

template <class Message>
void peer_link::call(peer_call_body body, Message origin, milliseconds patience) {
  if (!remote_ || calls_.size() >= most_calls)
    return do_here(std::move(origin));
  auto id = next_call_++;
  auto deadline = now() + patience;
  calls_.emplace(id, open_call{std::move(origin), deadline});
  deadlines_.emplace(deadline, id);
  metrics().calls_sent.fetch_add(1, std::memory_order_relaxed);
  metrics().messages_sent.fetch_add(1, std::memory_order_relaxed);
  send(remote_, peer_call{id, std::move(body)});
}

void peer_link::call_reports(const submit_reports& message) {
  report_call body;
  body.reports.reserve(message.reports.size());
  for (auto& one : message.reports)
    body.reports.push_back(one.report);
  call(std::move(body), message, engine_->cluster->call_patience);
}

void peer_link::call_read(const read_task_request& request) {
  call(read_call{request.id}, request, engine_->cluster->call_patience);
}

void peer_link::call_await(const await_task_request& request) {
  awaited_[request.wait_id] = {next_call_, now() + request.wait};
  call(await_call{request.id, request.wait}, request, request.wait + engine_->cluster->call_patience);
}

void peer_link::cancel_await(const wait_cancelled& message) {
  auto found = awaited_.find(message.wait_id);
  if (found == awaited_.end())
    return;
  if (auto open = calls_.find(found->second.call); open != calls_.end()) {
    deadlines_.erase({open->second.deadline, open->first});
    calls_.erase(open);
    tell(wait_ended{found->second.call, message.id});
  }
  awaited_.erase(found);
}

/// What is left of the wait if it goes on here.
milliseconds peer_link::end_wait(const await_task_request& request) {
  auto found = awaited_.find(request.wait_id);
  if (found == awaited_.end())
    return request.wait; // it has ended before
  auto left = std::chrono::ceil<milliseconds>(found->second.until - now());
  awaited_.erase(found);
  return std::max(left, milliseconds{0});
}

void peer_link::call_act(const act_request& request) {
  call(act_call{request.task, request.act}, request, engine_->cluster->call_patience);
}

void peer_link::call_heartbeat(const heartbeat_request& request) {
  call(geartrain::heartbeat_call{request.worker, request.tokens}, request, engine_->cluster->call_patience);
}

// -- ends of calls -----------------------------------------------------------------------

void peer_link::answered(peer_answer& answer) {
  metrics().messages_received.fetch_add(1, std::memory_order_relaxed);
  auto found = calls_.find(answer.id);
  if (found == calls_.end())
    return; // too late: it was done here
  metrics().calls_answered.fetch_add(1, std::memory_order_relaxed);
  deadlines_.erase({found->second.deadline, answer.id});
  auto origin = std::move(found->second.origin);
  calls_.erase(found);
  auto body = std::make_shared<peer_answer_body>(std::move(answer.body));
  with_templates(body, [this, origin, body](bool complete) {
    if (complete)
      settle(origin, std::move(*body));
    else
      do_here(origin);
  });
}

void peer_link::settle(call_origin origin, peer_answer_body body) {
  if (auto* wait = std::get_if<await_task_request>(&origin))
    wait->wait = end_wait(*wait);
  if (auto* why = std::get_if<failure>(&body)) {
    if (must_be_done_here(*why))
      return do_here(std::move(origin));
    return std::visit(
      [&](auto& asked) {
        if constexpr (std::is_same_v<std::decay_t<decltype(asked)>, submit_reports>)
          for (auto& one : asked.reports)
            one.done(*why);
        else
          asked.done(*why);
      },
      origin);
  }
  if (auto* reports = std::get_if<submit_reports>(&origin)) {
    auto* outcome = std::get_if<report_answers>(&body);
    for (std::size_t i = 0; i < reports->reports.size(); ++i) {
      if (!outcome || i >= outcome->answers.size())
        reports->reports[i].done(failure{errc::unavailable, "the owner of the task gave no answer; send it again"});
      else if (auto* why = std::get_if<failure>(&outcome->answers[i]))
        reports->reports[i].done(*why);
      else
        reports->reports[i].done(std::get<report_answer>(outcome->answers[i]));
    }
  } else if (auto* leases = std::get_if<heartbeat_request>(&origin)) {
    auto* outcome = std::get_if<heartbeat_answers>(&body);
    leases->done(outcome && outcome->answers.size() == leases->tokens.size()
                   ? expected<std::vector<heartbeat_answer>>{std::move(outcome->answers)}
                   : expected<std::vector<heartbeat_answer>>{unreachable});
  } else if (auto* outcome = std::get_if<task_answer>(&body)) {
    std::visit(
      [&](auto& asked) {
        if constexpr (requires { asked.done(outcome->task); })
          asked.done(outcome->task);
      },
      origin);
  } else {
    do_here(std::move(origin));
  }
}

void peer_link::do_here(call_origin origin) {
  metrics().fallbacks.fetch_add(1, std::memory_order_relaxed);
  auto& actors = *engine_->actors;
  if (auto* reports = std::get_if<submit_reports>(&origin)) {
    send_reports_here(actors, std::move(reports->reports));
  } else if (auto* read = std::get_if<read_task_request>(&origin)) {
    send(actors.processor_of(read->id), std::move(*read));
  } else if (auto* wait = std::get_if<await_task_request>(&origin)) {
    wait->wait = end_wait(*wait);
    send(actors.processor_of(wait->id), std::move(*wait));
  } else if (auto* act = std::get_if<act_request>(&origin)) {
    act->in_doubt = true;
    send(actors.processor_of(act->task), std::move(*act));
  } else if (auto* leases = std::get_if<heartbeat_request>(&origin)) {
    leases->done(unreachable); // only the owner knows
  }
}

void peer_link::expire_calls() {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now()) {
    auto id = deadlines_.begin()->second;
    deadlines_.erase(deadlines_.begin());
    auto open = calls_.extract(id);
    do_here(std::move(open.mapped().origin));
  }
}

void peer_link::end_calls() {
  deadlines_.clear();
  for (auto& [id, open] : std::exchange(calls_, {}))
    do_here(std::move(open.origin));
}

} // namespace geartrain
