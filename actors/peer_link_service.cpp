#include "actors/peer_link_impl.hpp"
#include "actors/task_routes.hpp"
#include "actors/template_loading.hpp"
#include "messages/wire_templates.hpp"

#include <atomic>
#include <memory>
#include <mutex>

// What the peer asks of this node: calls about tasks that this node owns, workers that wait there, and hints.

namespace geartrain {

namespace {

// Longer than any worker may wait; the end of a wait is told anyway.
constexpr milliseconds remote_wait{90000};
constexpr std::size_t most_remote_polls = 4096;

// A larger task does not travel: the peer reads its rows.
constexpr std::size_t largest_task_bytes = 8U << 20;

std::size_t size_of(const task_context& task) {
  auto bytes = task.input->context.view().size();
  for (auto& step : task.steps)
    bytes += 200 + step.result.view().size() + step.error.view().size() + step.metadata.view().size() +
             step.checkpoint.view().size();
  for (auto& batch : task.batches)
    for (auto& one : batch.cursors)
      bytes += 40 + one.cursor.view().size();
  return bytes;
}

peer_answer_body answer_of(expected<task_snapshot> task) {
  if (!task)
    return std::move(task.error());
  if (size_of(**task) > largest_task_bytes)
    return failure{errc::dropped, "the task is too large to travel"};
  return task_answer{std::move(*task)};
}

/// Sends the answer of a call; whoever answers it may be on any thread.
class answer_sender {
public:
  answer_sender(peer_link_actor to, std::uint64_t call, cluster_metrics& metrics)
    : to_(std::move(to)), call_(call), metrics_(&metrics) {}

  void operator()(peer_answer_body body) const {
    metrics_->messages_sent.fetch_add(1, std::memory_order_relaxed);
    caf::anon_send(to_, peer_answer{call_, std::move(body)});
  }

private:
  peer_link_actor to_;
  std::uint64_t call_;
  cluster_metrics* metrics_;
};

completion<task_snapshot> task_answer_to(const answer_sender& reply) {
  return completion<task_snapshot>{[reply](expected<task_snapshot> task) { reply(answer_of(std::move(task))); }};
}

/// Waits for the answers to the reports of one call.
class reports_served : public std::enable_shared_from_this<reports_served> {
public:
  reports_served(std::size_t count, answer_sender send) : answers_{}, open_(count), send_(std::move(send)) {
    answers_.answers.resize(count);
  }

  completion<report_answer> slot(std::size_t place) {
    return completion<report_answer>{[self = shared_from_this(), place](expected<report_answer> answer) {
      if (answer)
        self->answers_.answers[place] = std::move(*answer);
      else
        self->answers_.answers[place] = std::move(answer.error());
      if (self->open_.fetch_sub(1) == 1)
        self->send_(std::move(self->answers_));
    }};
  }

private:
  report_answers answers_; // each place is written by one answer only
  std::atomic<std::size_t> open_;
  answer_sender send_;
};

} // namespace

// -- calls ---------------------------------------------------------------------------------

void peer_link::serve(peer_call& call) {
  metrics().messages_received.fetch_add(1, std::memory_order_relaxed);
  metrics().calls_served.fetch_add(1, std::memory_order_relaxed);
  if (!remote_)
    return;
  auto& actors = *engine_->actors;
  answer_sender reply{remote_, call.id, metrics()};
  if (auto* reports = std::get_if<report_call>(&call.body)) {
    if (reports->reports.empty())
      return reply(report_answers{});
    auto gather = std::make_shared<reports_served>(reports->reports.size(), reply);
    std::vector<report_message> messages;
    for (std::size_t i = 0; i < reports->reports.size(); ++i)
      messages.push_back({std::move(reports->reports[i]), gather->slot(i)});
    send_reports_here(actors, std::move(messages));
  } else if (auto* read = std::get_if<read_call>(&call.body)) {
    send(actors.processor_of(read->id), read_task_request{read->id, task_answer_to(reply)});
  } else if (auto* wait = std::get_if<await_call>(&call.body)) {
    send(actors.processor_of(wait->id),
         await_task_request{wait->id, wait_id_of(call.id), wait->wait, task_answer_to(reply)});
  } else if (auto* act = std::get_if<act_call>(&call.body)) {
    send(actors.processor_of(act->task), act_request{act->task, std::move(act->act), task_answer_to(reply)});
  } else if (auto* leases = std::get_if<geartrain::heartbeat_call>(&call.body)) {
    completion<std::vector<heartbeat_answer>> answered{[reply](expected<std::vector<heartbeat_answer>> answers) {
      if (answers)
        reply(heartbeat_answers{std::move(*answers)});
      else
        reply(std::move(answers.error()));
    }};
    send(actors.dispatcher(), heartbeat_request{std::move(leases->worker), std::move(leases->tokens), answered});
  }
}

// -- notices -----------------------------------------------------------------------------------

void peer_link::take_notice(peer_notice& notice) {
  metrics().messages_received.fetch_add(1, std::memory_order_relaxed);
  auto& actors = *engine_->actors;
  if (auto* news = std::get_if<workers_wait>(&notice.body))
    workers_of_peer(*news);
  else if (auto* offer = std::get_if<steps_offered>(&notice.body))
    take_steps(*offer);
  else if (auto* returned = std::get_if<offers_returned>(&notice.body))
    send(actors.dispatcher(), leases_returned{std::move(returned->tokens)});
  else if (auto* ended = std::get_if<wait_ended>(&notice.body))
    send(actors.processor_of(ended->task), wait_cancelled{ended->task, wait_id_of(ended->call)});
  else if (auto* what = std::get_if<look_again>(&notice.body))
    look(*what);
}

void peer_link::look(const look_again& what) {
  auto& actors = *engine_->actors;
  if (what.membership && actors.membership())
    send(actors.membership(), beat_now{});
  if (what.templates && actors.templates())
    send(actors.templates(), refresh_templates{});
  for (auto& id : what.tasks)
    send(actors.processor_of(id), look_at_tasks{{id}});
  if (what.pauses && actors.db())
    request(actors.db(), caf::infinite, read_pauses_unit{})
      .then([this](const read_pauses_reply& reply) { send(engine_->actors->dispatcher(), set_pauses{reply.rows}); },
            [](caf::error&) {}); // the reconciler will see it
}

// -- workers that wait at the peer ----------------------------------------------------------------

void peer_link::workers_of_peer(const workers_wait& news) {
  auto dispatcher = engine_->actors->dispatcher();
  for (auto& id : news.end)
    if (auto found = remote_polls_.find(id); found != remote_polls_.end()) {
      send(dispatcher, poll_cancelled{found->second});
      remote_polls_.erase(found);
    }
  auto self = caf::actor_cast<link_interface>(this);
  for (auto& worker : news.begin) {
    if (remote_polls_.size() >= most_remote_polls)
      break;
    auto [known, fresh] = remote_polls_.emplace(worker.poll_id, engine_->random() | 1);
    if (!fresh)
      continue; // told when the link came, and again as one of the news
    poll_request poll;
    poll.poll_id = known->second;
    poll.worker = worker.worker;
    poll.namespaces = worker.namespaces;
    poll.handlers = worker.handlers;
    poll.max_steps = worker.max_steps;
    poll.wait = remote_wait;
    poll.from_peer = true;
    poll.done = completion<std::vector<leased_step>>{[self, to = remote_, id = worker.poll_id, here = poll.poll_id,
                                                      counts = &metrics()](expected<std::vector<leased_step>> steps) {
      if (steps && !steps->empty()) {
        counts->steps_offered.fetch_add(steps->size(), std::memory_order_relaxed);
        counts->messages_sent.fetch_add(1, std::memory_order_relaxed);
        caf::anon_send(to, peer_notice{steps_offered{id, std::move(*steps)}});
      }
      caf::anon_send(self, remote_poll_over{id, here});
    }};
    send(dispatcher, std::move(poll));
  }
}

/// Not the one that began meanwhile for the same worker: the end of a poll comes from another actor, and may come late.
void peer_link::end_remote_poll(const remote_poll_over& over) {
  if (auto found = remote_polls_.find(over.poll_id); found != remote_polls_.end() && found->second == over.here)
    remote_polls_.erase(found);
}

void peer_link::forget_remote_polls() {
  for (auto& [theirs, ours] : std::exchange(remote_polls_, {}))
    send(engine_->actors->dispatcher(), poll_cancelled{ours});
}

void peer_link::take_steps(steps_offered& offer) {
  auto body = std::make_shared<peer_notice_body>(std::move(offer));
  with_templates(body, [this, body](bool complete) {
    auto& steps = std::get<steps_offered>(*body);
    if (!complete)
      return give_back(steps);
    completion<std::vector<lease_token>> unwanted{
      [to = remote_, counts = &metrics()](expected<std::vector<lease_token>> tokens) {
        if (!to || !tokens || tokens->empty())
          return;
        counts->messages_sent.fetch_add(1, std::memory_order_relaxed);
        caf::anon_send(to, peer_notice{offers_returned{std::move(*tokens)}});
      }};
    send(engine_->actors->dispatcher(), steps_arrived{steps.poll_id, std::move(steps.steps), std::move(unwanted)});
  });
}

void peer_link::give_back(const steps_offered& offer) {
  offers_returned back;
  for (auto& leased : offer.steps)
    back.tokens.push_back(leased.held.token);
  tell(std::move(back));
}

// -- what this node has to say ---------------------------------------------------------------------

void peer_link::tell(peer_notice_body body) {
  if (!remote_)
    return;
  metrics().messages_sent.fetch_add(1, std::memory_order_relaxed);
  send(remote_, peer_notice{std::move(body)});
}

void peer_link::tell_polls(const polls_wait& news) {
  workers_wait body;
  body.end = news.end;
  for (auto& poll : news.begin)
    body.begin.push_back({poll.poll_id, poll.worker, poll.namespaces, poll.handlers, poll.max_steps});
  tell(std::move(body));
}

// -- templates --------------------------------------------------------------------------------------

template <class Body>
void peer_link::with_templates(std::shared_ptr<Body> body, std::function<void(bool)> then) {
  auto find = [this](std::int64_t id) { return engine_->catalog->find_by_id(id); };
  auto ids = template_ids(*body);
  std::erase_if(ids, [&](std::int64_t id) { return static_cast<bool>(find(id)); });
  if (ids.empty())
    return then(complete_templates(*body, find));
  // Another node registered it; messages of one call carry one template.
  request(engine_->actors->db(), caf::infinite, fetch_templates_unit{0, ids.front()})
    .then(
      [this, body, then, find](const fetch_templates_reply& stored) {
        load_templates(*engine_->catalog, stored, engine_->settings.environment);
        then(complete_templates(*body, find));
      },
      [then](caf::error&) { then(false); });
}

template void peer_link::with_templates(std::shared_ptr<peer_answer_body>, std::function<void(bool)>);
template void peer_link::with_templates(std::shared_ptr<peer_notice_body>, std::function<void(bool)>);

} // namespace geartrain
