#include "actors/result_processor_impl.hpp"
#include "workflow/fencing.hpp"

#include <algorithm>

// Partitions come and go, and now and then a turn has to be made for a task that belongs to another node. What keeps that
// right is the compare-and-swap; what is here keeps it rare, short and known to the owner.

namespace geartrain {

namespace {

// How often a guest is read again while somebody here waits for its end.
constexpr milliseconds guest_pause{500};

// A task whose context is on its way can't be read again yet.
constexpr milliseconds reread_pause{50};

} // namespace

// -- partitions ------------------------------------------------------------------------

void result_processor::gain(const gain_partitions& message) {
  for (auto partition : message.partitions)
    if (partition % engine_->settings.shards == shard_)
      gained_.push_back(static_cast<std::int16_t>(partition));
  if (gained_.empty())
    return;
  for (auto& [id, task] : tasks_) // guests become residents
    if (task.where == resident_task::place::home && serves(id))
      announce(task);
  if (!recovering_)
    begin_recovery(look_for::gained, std::exchange(gained_, {}));
}

void result_processor::lose(const lose_partitions& message) {
  std::vector<task_id> at_home;
  for (auto& [id, task] : tasks_)
    if (task.where == resident_task::place::home && !serves(id))
      at_home.push_back(id);
  losing_.push_back(message);
  for (auto& id : at_home)
    proceed(id);
  forget_those_away();
  answer_losers();
}

/// If they come back, their leases may be others.
void result_processor::forget_those_away() {
  for (auto at = tasks_.begin(); at != tasks_.end();) {
    auto& task = at->second;
    auto is_lost = task.where == resident_task::place::away && !serves(at->first);
    if (is_lost) {
      task.leases.clear();
      task.started.clear();
      task.returned.clear();
    }
    at = is_lost && task.waiters.empty() ? tasks_.erase(at) : std::next(at);
  }
}

/// The new owner may read the rows once no turn of this node can change them any more.
void result_processor::answer_losers() {
  if (losing_.empty())
    return;
  auto open = std::any_of(tasks_.begin(), tasks_.end(), [this](const auto& entry) {
    return entry.second.where == resident_task::place::on_turn && !serves(entry.first);
  });
  if (open)
    return;
  for (auto& one : std::exchange(losing_, {}))
    one.done(static_cast<std::uint32_t>(one.partitions.size()));
}

// -- turns that other nodes made -----------------------------------------------------------

void result_processor::reread(const reread_tasks& message) {
  std::vector<task_id> later;
  for (auto& id : message.ids) {
    auto& task = tasks_[id];
    if (task.where == resident_task::place::away) {
      load(id);
    } else if (task.where == resident_task::place::home) {
      task.outdated = true;
      proceed(id);
    } else {
      later.push_back(id);
    }
  }
  if (!later.empty())
    delayed_send(this, reread_pause, reread_tasks{std::move(later)});
}

void result_processor::read_again(const task_id& id) {
  auto& task = tasks_.at(id);
  drop_context(task);
  load(id);
}

/// A refusal takes certainty: the rows were read after the report came, or nobody else can have written them. An authentic
/// token of a step, an attempt or a yield that is not known here says that somebody has.
bool result_processor::doubts(const resident_task& task, const pending_report& pending, fence_verdict verdict) const {
  if (verdict == fence_verdict::current || verdict == fence_verdict::duplicate || task.read_at >= pending.arrived)
    return false;
  auto ahead = is_ahead(*task.context, pending.message.report.token);
  return ahead || !engine_->actors->cluster().is_certain();
}

// -- guests ----------------------------------------------------------------------------------

void result_processor::tell_owner(const task_id& id) {
  engine_->actors->cluster().metrics().guest_turns.fetch_add(1, std::memory_order_relaxed);
  if (auto db = engine_->actors->db())
    caf::anon_send(db, touch_tasks_unit{{id}});
}

/// Nothing more is to be done for the guest. Who waits for its end looks at it again from time to time.
void result_processor::let_go(const task_id& id) {
  auto found = tasks_.find(id);
  auto& task = found->second;
  if (!task.waiting.empty())
    return;
  drop_context(task);
  if (task.waiters.empty()) {
    tasks_.erase(found);
    return;
  }
  task.leases.clear();
  delayed_send(this, guest_pause, reload_task{id});
}

} // namespace geartrain
