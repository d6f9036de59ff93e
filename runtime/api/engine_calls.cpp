#include "runtime/api/engine_calls.hpp"

#include "actors/directory.hpp"
#include "messages/actor_base.hpp"

#include <atomic>
#include <unordered_map>

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

template <class Unit, class Reply>
void ask_database(const directory& actors, Unit unit, milliseconds deadline, completion<Reply> done) {
  auto db = actors.db();
  if (!db)
    return done(failure{errc::stopping, "the node is stopping"});
  db.home_system().spawn<db_question<Unit, Reply>>(db, std::move(unit), deadline, std::move(done));
}

std::size_t next_shard(std::size_t shards) {
  static std::atomic<std::size_t> turn{0};
  return turn.fetch_add(1, std::memory_order_relaxed) % shards;
}

} // namespace

engine_calls::engine_calls(std::shared_ptr<directory> actors) : actors_(std::move(actors)) {}

void engine_calls::create(create_task_request request) const {
  caf::anon_send(actors_->intake(next_shard(actors_->shards())), std::move(request));
}

void engine_calls::register_template(register_template_request request) const {
  caf::anon_send(actors_->templates(), std::move(request));
}

void engine_calls::report(std::vector<report_message> reports) const {
  std::unordered_map<std::size_t, submit_reports> by_shard;
  for (auto& one : reports)
    by_shard[actors_->shard_of(task_of(one.report.token.step))].reports.push_back(std::move(one));
  for (auto& [shard, batch] : by_shard)
    caf::anon_send(actors_->processor(shard), std::move(batch));
}

void engine_calls::read(read_task_request request) const {
  caf::anon_send(actors_->processor_of(request.id), std::move(request));
}

void engine_calls::poll(poll_request request) const {
  caf::anon_send(actors_->dispatcher(), std::move(request));
}

void engine_calls::cancel_poll(std::uint64_t poll_id) const {
  caf::anon_send(actors_->dispatcher(), poll_cancelled{poll_id});
}

void engine_calls::return_leases(std::vector<lease_token> tokens) const {
  caf::anon_send(actors_->dispatcher(), leases_returned{std::move(tokens)});
}

void engine_calls::heartbeat(heartbeat_request request) const {
  caf::anon_send(actors_->dispatcher(), std::move(request));
}

void engine_calls::list_tasks(list_tasks_unit unit, milliseconds deadline, completion<list_tasks_reply> done) const {
  ask_database(*actors_, std::move(unit), deadline, std::move(done));
}

void engine_calls::fetch_templates(fetch_templates_unit unit, milliseconds deadline,
                                   completion<fetch_templates_reply> done) const {
  ask_database(*actors_, std::move(unit), deadline, std::move(done));
}

void engine_calls::ping(milliseconds deadline, completion<unit_done> done) const {
  ask_database(*actors_, ping_unit{}, deadline, std::move(done));
}

} // namespace geartrain
