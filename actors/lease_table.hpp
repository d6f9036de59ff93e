#pragma once

#include "messages/interfaces.hpp"
#include "messages/storage.hpp"
#include "messages/worker.hpp"

#include <functional>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

namespace geartrain {

/// The leases of one dispatcher: who holds which step until when, and which of it still has to be recorded as claims.
/// Not thread-safe.
class lease_table {
public:
  struct entry {
    ready_step_ptr step;
    lease held;
    bool recorded = false;                 ///< a claim row exists
    std::optional<timestamp> times_out_at; ///< by the step's timeout_seconds; no heartbeat goes beyond
    std::size_t offer = 0; ///< steps that could have gone with it, if it went to a worker of another node
  };

  /// A step has one lease: an earlier one, such as of an attempt that another node ended, is over with that.
  void add(leased_step step, bool recorded, std::size_t offer = 0);

  /// The entry of a step if `nonce` is its current lease.
  const entry* find(const step_id& id, std::uint64_t nonce) const;
  const entry* find(const step_id& id) const;

  /// Extends a lease, at most until the step's timeout.
  bool extend(const step_id& id, std::uint64_t nonce, timestamp expires_at);

  /// Ends a lease; the claim row, if there is one, is removed with the next changes.
  std::optional<entry> remove(const step_id& id, std::uint64_t nonce);

  /// The same for whoever holds the step.
  std::optional<entry> remove(const step_id& id);

  /// Forgets leases without ending them: their claims stay, for whoever serves those tasks next.
  void forget_if(const std::function<bool(const entry&)>& matches);

  /// Takes out every lease that is over at `now`, and says why it is.
  std::vector<std::pair<entry, lease_end>> take_expired(timestamp now);

  /// What has to be written: leases that began before `older_than` and are not recorded as they are, and claims of
  /// leases that ended. Calling it marks them as written.
  sync_claims_unit changes(timestamp older_than);

  /// The changes could not be written: they come again with the next call of changes().
  void changes_lost(const sync_claims_unit& lost);

  std::size_t size() const { return entries_.size(); }

private:
  std::unordered_map<step_id, entry> entries_;
  std::set<std::pair<timestamp, step_id>> by_expiry_;
  std::set<std::pair<timestamp, step_id>> unrecorded_; // by claimed_at
  std::vector<lease_token> ended_;
};

} // namespace geartrain
