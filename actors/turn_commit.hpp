#pragma once

#include "actors/engine.hpp"
#include "workflow/turn.hpp"

#include <cstdint>
#include <memory>
#include <vector>

// The last stage of a turn, shared by the task_coordinator and the task_finalizer: one write, then the context goes
// back to its result_processor and the steps that may run now go to the step_dispatcher.

namespace geartrain {

/// What a turn means for the dispatcher, once it is written.
struct turn_news {
  std::vector<std::uint16_t> enqueued; ///< steps that it unlocked
  bool all_enqueued = false;           ///< offer everything that is enqueued again
  std::vector<lease_token> released;
  revoked_steps revoked;
};

/// What the turn appends to the task's facts.
turn_facts facts_of(const engine& engine, const task_context& context, turn_causes causes, turn_effects& effects);

/// What the turn tells the dispatcher.
turn_news news_of(const task_context& context, const turn_facts& appended, const turn_effects& effects);

/// A turn that is about to be written.
struct closing_turn {
  std::uint64_t turn = 0;
  baton context;
  turn_record record;
  turn_news news;
};

/// Tells the dispatcher and the result_processor that the turn is written (or had nothing to write).
void announce_turn(const engine& engine, std::uint64_t turn, std::unique_ptr<task_context> context, turn_news news,
                   std::vector<domain_event> events);

/// Tells the result_processor that the turn was not written, or that nobody knows.
void abandon_turn(const engine& engine, const task_id& task, std::uint64_t turn, turn_status status,
                  std::string message);

/// Commits the turn in one round trip on behalf of actor `self`.
template <class Actor>
void commit_turn(Actor* self, engine_ptr engine, closing_turn closing) {
  auto task = closing.record.task;
  auto turn = closing.turn;
  auto db = engine->actors->db();
  if (!db)
    return abandon_turn(*engine, task, turn, turn_status::unavailable, "the node is stopping");
  auto events = closing.record.appended.events;
  self->request(db, caf::infinite, commit_turn_unit{std::move(closing.record)})
    .then(
      [=, held = closing.context, news = std::move(closing.news),
       events = std::move(events)](const commit_turn_reply& reply) mutable {
        if (!reply.committed)
          return abandon_turn(*engine, task, turn, turn_status::conflict, "another turn was committed first");
        auto context = held.take();
        ++context->version;
        ++context->turn_round_trips;
        announce_turn(*engine, turn, std::move(context), std::move(news), std::move(events));
      },
      [=](caf::error& e) {
        auto why = to_failure(e);
        auto status = why.code == errc::storage ? turn_status::failed : turn_status::unavailable;
        abandon_turn(*engine, task, turn, status, std::move(why.message));
      });
}

} // namespace geartrain
