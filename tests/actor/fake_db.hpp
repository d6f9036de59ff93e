#pragma once

#include "messages/interfaces.hpp"
#include "tests/actor/fake_cluster.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace geartrain::sim {

/// How the fake answers the next writes and reads.
enum class db_mood {
  prompt,      ///< at once
  holding,     ///< does the work, keeps the answer until release_answers
  slow,        ///< does the work, and answers, with release_answers
  lost_before, ///< `unavailable`, and nothing was done
  lost_after,  ///< `unavailable`, although the work was done
  refusing,    ///< `storage`
};

/// Rows as the database would hold them, and what was asked of it. Read and changed by tests between runs.
struct fake_rows {
  db_mood mood = db_mood::prompt;
  std::map<task_id, task_rows> tasks;
  std::map<std::string, task_id> identities;
  std::vector<std::string> unseen; ///< idempotency keys of world whose holder create_tasks_unit can't see
  bool refuses_many = false;       ///< `storage` for create_tasks_unit only
  std::map<step_id, lease> claims;
  std::vector<task_id> overdue;
  std::vector<pause_row> pauses;
  std::vector<inbox_row> inbox;
  std::vector<dead_letter> refused_requests;
  std::map<task_id, std::vector<dead_letter>> dead_letters;
  std::vector<refused_report> refused;
  fake_cluster cluster;
  std::map<node_id, db_mood> beat_moods; ///< of beats; a node that is not named: prompt
  std::size_t creates = 0;
  std::size_t commits = 0; ///< asked, committed or not
  std::size_t loads = 0;
  std::size_t claim_writes = 0;
};

using fake_rows_ptr = std::shared_ptr<fake_rows>;

/// Delivers every answer that this actor kept back.
struct release_answers {};

} // namespace geartrain::sim

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::sim::release_answers)

namespace geartrain::sim {

using fake_db_actor = db_actor::extend<caf::reacts_to<release_answers>>;

fake_db_actor spawn_fake_db(caf::actor_system& system, fake_rows_ptr rows);

} // namespace geartrain::sim
