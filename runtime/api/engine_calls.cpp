#include "runtime/api/engine_calls.hpp"

#include "actors/task_routes.hpp"
#include "messages/actor_base.hpp"

#include <atomic>
#include <mutex>

namespace geartrain {

namespace {

/// Asks the database one question and ends. Foreign threads can't wait for an actor's reply themselves.
template <class Unit, class Reply>
class db_question : public actor_base<caf::event_based_actor> {
public:
  db_question(caf::actor_config& config, db_actor db, Unit unit, milliseconds deadline, completion<Reply> asker)
    : actor_base(config), db_(std::move(db)), unit_(std::move(unit)), deadline_(deadline), asker_(std::move(asker)) {}

  const char* name() const override { return "db_question"; }

protected:
  caf::behavior make_behavior() override {
    request(db_, deadline_, std::move(unit_))
      .then([this](const Reply& reply) { finish(reply); }, [this](caf::error& why) { finish(to_failure(why)); });
    return {};
  }

private:
  void finish(expected<Reply> answer) {
    asker_(std::move(answer));
    quit();
  }

  db_actor db_;
  Unit unit_;
  milliseconds deadline_;
  completion<Reply> asker_;
};

std::size_t next_shard(std::size_t shards) {
  static std::atomic<std::size_t> turn{0};
  return turn.fetch_add(1, std::memory_order_relaxed) % shards;
}

} // namespace

/// Which reading of the pauses the dispatcher has got.
struct engine_calls::pause_order {
  std::mutex mutex;
  std::uint64_t last_begun = 0;
  std::uint64_t last_told = 0;
};

engine_calls::engine_calls(std::shared_ptr<directory> actors)
  : actors_(std::move(actors)), pauses_(std::make_shared<pause_order>()) {}

void engine_calls::create(create_task_request request) const {
  caf::anon_send(actors_->intake(next_shard(actors_->shards())), std::move(request));
}

void engine_calls::create_all(create_tasks_request request) const {
  caf::anon_send(actors_->intake(next_shard(actors_->shards())), std::move(request));
}

void engine_calls::register_template(register_template_request request) const {
  caf::anon_send(actors_->templates(), std::move(request));
}

void engine_calls::report(std::vector<report_message> reports) const {
  send_reports(*actors_, std::move(reports));
}

void engine_calls::read(read_task_request request) const {
  auto task = task_of(request.id);
  send_to_owner(*actors_, task, std::move(request));
}

void engine_calls::await(await_task_request request) const {
  auto task = request.id;
  send_to_owner(*actors_, task, std::move(request));
}

void engine_calls::cancel_wait(wait_cancelled message) const {
  send_to_owner(*actors_, message.id, message);
}

void engine_calls::act(act_request request) const {
  auto task = request.task;
  send_to_owner(*actors_, task, std::move(request));
}

void engine_calls::poll(poll_request request) const {
  caf::anon_send(actors_->dispatcher(), std::move(request));
}

void engine_calls::cancel_poll(std::uint64_t poll_id) const {
  caf::anon_send(actors_->dispatcher(), poll_cancelled{poll_id});
}

void engine_calls::return_leases(std::vector<lease_token> tokens) const {
  send_returned(*actors_, std::move(tokens));
}

void engine_calls::heartbeat(heartbeat_request request) const {
  send_heartbeat(*actors_, std::move(request));
}

template <class Unit>
void engine_calls::ask(Unit unit, milliseconds deadline, completion<answer_of<Unit>> done) const {
  auto db = actors_->db();
  if (!db)
    return done(failure{errc::stopping, "the node is stopping"});
  db.home_system().spawn<db_question<Unit, answer_of<Unit>>>(db, std::move(unit), deadline, std::move(done));
}

template void engine_calls::ask(list_tasks_unit, milliseconds, completion<list_tasks_reply>) const;
template void engine_calls::ask(fetch_templates_unit, milliseconds, completion<fetch_templates_reply>) const;
template void engine_calls::ask(ping_unit, milliseconds, completion<unit_done>) const;
template void engine_calls::ask(read_audit_unit, milliseconds, completion<read_audit_reply>) const;
template void engine_calls::ask(list_dead_letters_unit, milliseconds, completion<list_dead_letters_reply>) const;
template void engine_calls::ask(add_dead_letter_unit, milliseconds, completion<unit_done>) const;
template void engine_calls::ask(update_dead_letter_unit, milliseconds, completion<unit_done>) const;
template void engine_calls::ask(dead_letter_stats_unit, milliseconds, completion<dead_letter_stats_reply>) const;
template void engine_calls::ask(investigation_queue_unit, milliseconds, completion<investigation_queue_reply>) const;
template void engine_calls::ask(staleness_unit, milliseconds, completion<staleness_reply>) const;
template void engine_calls::ask(performance_unit, milliseconds, completion<performance_reply>) const;
template void engine_calls::ask(bottlenecks_unit, milliseconds, completion<bottlenecks_reply>) const;
template void engine_calls::ask(read_events_unit, milliseconds, completion<read_events_reply>) const;
template void engine_calls::ask(read_pauses_unit, milliseconds, completion<read_pauses_reply>) const;
template void engine_calls::ask(set_pause_unit, milliseconds, completion<unit_done>) const;
template void engine_calls::ask(ask_drain_unit, milliseconds, completion<unit_done>) const;

// -- pauses --------------------------------------------------------------------------

void engine_calls::set_pause(set_pause_unit unit, milliseconds deadline, completion<unit_done> done) const {
  ask(std::move(unit), deadline, completion<unit_done>{[calls = *this, deadline, done](expected<unit_done> stored) {
        if (!stored)
          return done(std::move(stored));
        calls.tell_pauses(deadline, completion<unit_done>{[done, stored](expected<unit_done> told) {
                            done(told ? stored : std::move(told));
                          }});
      }});
}

void engine_calls::tell_pauses(milliseconds deadline, completion<unit_done> done) const {
  std::uint64_t reading = 0;
  {
    std::lock_guard guard{pauses_->mutex};
    reading = ++pauses_->last_begun;
  }
  ask(read_pauses_unit{}, deadline,
      completion<read_pauses_reply>{[calls = *this, reading, done](expected<read_pauses_reply> rows) {
        if (!rows)
          return done(std::move(rows.error()));
        calls.tell_pauses_in_order(reading, std::move(rows->rows));
        done(unit_done{});
      }});
}

/// A reading that began later sees all that an earlier one could see: the dispatcher must not get the earlier one after it.
void engine_calls::tell_pauses_in_order(std::uint64_t reading, std::vector<pause_row> rows) const {
  std::lock_guard guard{pauses_->mutex};
  if (reading < pauses_->last_told)
    return;
  pauses_->last_told = reading;
  caf::anon_send(actors_->dispatcher(), set_pauses{std::move(rows)});
  for (auto& peer : actors_->cluster().peers())
    caf::anon_send(peer, nudge_peer{true, false, false, {}});
}

} // namespace geartrain
