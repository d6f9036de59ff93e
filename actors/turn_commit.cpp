#include "actors/turn_commit.hpp"

#include "workflow/dead_letters.hpp"
#include "workflow/domain_events.hpp"

namespace geartrain {

namespace {

lease_token token_of(const task_id& task, std::uint16_t number, std::uint16_t attempt, std::uint64_t nonce) {
  lease_token token;
  token.step = make_step_id(task, number);
  token.attempt = attempt;
  token.nonce = nonce;
  return token;
}

std::vector<step_id> ids_of(const task_id& task, const std::vector<std::uint16_t>& numbers) {
  std::vector<step_id> ids;
  ids.reserve(numbers.size());
  for (auto number : numbers)
    ids.push_back(make_step_id(task, number));
  return ids;
}

} // namespace

turn_facts facts_of(const engine& engine, const task_context& context, turn_causes causes, turn_effects& effects) {
  turn_facts appended;
  appended.outcomes = std::move(causes.outcomes);
  appended.checkpoints = std::move(causes.checkpoints);
  appended.facts = std::move(effects.facts);
  appended.events = events_of(context, appended.outcomes);
  auto now = engine.now();
  if (auto letter = dead_letter_of(context, appended.outcomes, effects, now)) {
    letter->id =
      make_uuid_v7(std::chrono::duration_cast<milliseconds>(now.time_since_epoch()), engine.random(), engine.random());
    appended.dead_letters.push_back(std::move(*letter));
  }
  return appended;
}

turn_news news_of(const task_context& context, const turn_facts& appended, const turn_effects& effects) {
  turn_news news;
  news.enqueued = effects.enqueued;
  news.all_enqueued = effects.resumed || effects.revived;
  for (auto& outcome : appended.outcomes)
    news.released.push_back(token_of(context.id, outcome.number, outcome.attempt, outcome.lease_nonce));
  for (auto& checkpoint : appended.checkpoints)
    if (checkpoint.yielded)
      news.released.push_back(token_of(context.id, checkpoint.number, checkpoint.attempt, checkpoint.lease_nonce));
  news.revoked.cancelled = ids_of(context.id, effects.cancelled);
  news.revoked.superseded = ids_of(context.id, effects.superseded);
  news.revoked.held_back = ids_of(context.id, effects.held_back);
  return news;
}

void announce_turn(const engine& engine, std::uint64_t turn, std::unique_ptr<task_context> context, turn_news news,
                   std::vector<domain_event> events) {
  auto task = context->id;
  if (news.all_enqueued)
    news.enqueued = enqueued_steps(*context);
  if (context->paused)
    news.enqueued.clear(); // they wait here until the task is resumed
  if (!engine.actors->cluster().serves(task))
    news.enqueued.clear(); // only the owner of a task hands out its steps
  turn_closed closed;
  closed.leases_void = !news.revoked.empty();
  steps_ready message;
  message.released = std::move(news.released);
  message.revoked = std::move(news.revoked);
  message.ready.reserve(news.enqueued.size());
  for (auto number : news.enqueued)
    message.ready.push_back(make_ready_step(*context, number, context->updated_at));
  // The dispatcher first: when the result_processor answers a worker, that worker's next poll must find these steps.
  if (!message.ready.empty() || !message.released.empty() || !message.revoked.empty())
    caf::anon_send(engine.actors->dispatcher(), std::move(message));
  closed.task = task;
  closed.turn = turn;
  closed.context = baton{std::move(context)};
  closed.events = std::move(events);
  caf::anon_send(engine.actors->processor_of(task), std::move(closed));
}

void abandon_turn(const engine& engine, const task_id& task, std::uint64_t turn, turn_status status,
                  std::string message) {
  turn_closed closed;
  closed.task = task;
  closed.turn = turn;
  closed.status = status;
  closed.message = std::move(message);
  caf::anon_send(engine.actors->processor_of(task), std::move(closed));
}

} // namespace geartrain
