#include "actors/turn_commit.hpp"

namespace geartrain {

std::vector<lease_token> released_by(const task_id& task, const std::vector<step_outcome>& outcomes) {
  std::vector<lease_token> released;
  released.reserve(outcomes.size());
  for (auto& outcome : outcomes) {
    lease_token token;
    token.step = make_step_id(task, outcome.number);
    token.attempt = outcome.attempt;
    token.nonce = outcome.lease_nonce;
    released.push_back(token);
  }
  return released;
}

void announce_turn(const engine& engine, std::uint64_t turn, std::unique_ptr<task_context> context,
                   const std::vector<std::uint16_t>& enqueued, std::vector<lease_token> released) {
  auto task = context->id;
  steps_ready news;
  news.released = std::move(released);
  news.ready.reserve(enqueued.size());
  for (auto number : enqueued)
    news.ready.push_back(make_ready_step(*context, number, context->updated_at));
  // The dispatcher first: when the result_processor answers a worker, that worker's next poll must find these steps.
  if (!news.ready.empty() || !news.released.empty())
    caf::anon_send(engine.actors->dispatcher(), std::move(news));
  turn_closed closed;
  closed.task = task;
  closed.turn = turn;
  closed.context = baton{std::move(context)};
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
