#pragma once

#include "actors/engine.hpp"
#include "actors/new_creation.hpp"
#include "messages/actor_base.hpp"

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace geartrain {

// How long a creation waits for a lost database before the caller is told to try again.
inline constexpr std::chrono::seconds creation_patience{10};

/// A creation on its way: everything that is needed to send it again with the same id.
struct creation {
  create_task_unit unit;
  baton context;
  completion<create_task_result> done;
  timestamp give_up_at;
};

using creation_ptr = std::shared_ptr<creation>;

/// Many creations on their way as one unit.
struct bulk_creation {
  create_tasks_request asked;
  std::vector<creation_outcome> outcomes; ///< in the order of the request
  std::atomic<std::size_t> open{0};       ///< what is still to come before it can be answered
  create_tasks_unit unit;                 ///< what the rules allow; kept to send it again with the same ids
  std::vector<std::size_t> places;        ///< of each creation of the unit in the request
  std::vector<std::unique_ptr<task_context>> contexts; ///< of each creation of the unit
  std::vector<std::pair<std::size_t, std::size_t>>
    repeats; ///< place of a repetition, place of the first with its identity
  timestamp give_up_at;
};

using bulk_ptr = std::shared_ptr<bulk_creation>;

/// Private: send it again.
struct retry_creation {
  creation_ptr work;
};

struct retry_bulk {
  bulk_ptr work;
};

} // namespace geartrain

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::retry_creation)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::retry_bulk)

namespace geartrain {

using intake_interface = task_intake_actor::extend<caf::reacts_to<retry_creation>, caf::reacts_to<retry_bulk>>;

class task_intake : public actor_base<intake_interface::base> {
public:
  task_intake(caf::actor_config& config, engine_ptr shared) : actor_base(config), engine_(std::move(shared)) {}

  const char* name() const override { return "task_intake"; }

protected:
  behavior_type make_behavior() override;

private:
  // -- one creation (task_intake.cpp) --------------------------------------------

  void create(create_task_request& asked);
  void look_for_template(create_task_request& asked);
  void admit(create_task_request& asked, const catalog_entry& entry);
  void commit(const creation_ptr& work);
  void committed(const creation_ptr& work, const create_task_reply& reply);
  void fail(const creation_ptr& work, failure why);

  // -- many (task_intake_bulk.cpp) -------------------------------------------------

  void create_all(create_tasks_request& asked);
  void judge_all(const bulk_ptr& bulk);
  void commit_all(const bulk_ptr& bulk);
  void all_committed(const bulk_ptr& bulk, const create_tasks_reply& reply);
  void all_failed(const bulk_ptr& bulk, failure why);
  void commit_alone(const bulk_ptr& bulk, std::size_t index);

  /// True if sending it again may help: the outcome is unknown, and the same id makes that safe.
  bool worth_retrying(const failure& why, timestamp give_up_at) const;

  void closed();
  void drain(const drain_request& asked);
  void answer_drain();

  engine_ptr engine_;
  std::size_t open_ = 0;
  bool draining_ = false;
  std::vector<completion<std::uint32_t>> drained_;
};

} // namespace geartrain
