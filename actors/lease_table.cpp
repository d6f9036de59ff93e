#include "actors/lease_table.hpp"

#include <algorithm>

namespace geartrain {

void lease_table::add(leased_step step, bool recorded, std::size_t offer) {
  auto id = step.held.token.step;
  remove(id);
  std::optional<timestamp> times_out_at;
  if (auto timeout = step.step->step().timeout_seconds)
    times_out_at = step.held.claimed_at + std::chrono::seconds{*timeout};
  step.held.expires_at = std::min(step.held.expires_at, times_out_at.value_or(timestamp::max()));
  by_expiry_.emplace(step.held.expires_at, id);
  if (!recorded)
    unrecorded_.emplace(step.held.claimed_at, id);
  entries_.insert_or_assign(id, entry{std::move(step.step), std::move(step.held), recorded, times_out_at, offer});
}

const lease_table::entry* lease_table::find(const step_id& id) const {
  auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : &found->second;
}

const lease_table::entry* lease_table::find(const step_id& id, std::uint64_t nonce) const {
  auto found = find(id);
  return found && found->held.token.nonce == nonce ? found : nullptr;
}

bool lease_table::extend(const step_id& id, std::uint64_t nonce, timestamp expires_at) {
  auto found = entries_.find(id);
  if (found == entries_.end() || found->second.held.token.nonce != nonce)
    return false;
  auto& lease = found->second;
  by_expiry_.erase({lease.held.expires_at, id});
  lease.held.expires_at = std::min(expires_at, lease.times_out_at.value_or(timestamp::max()));
  by_expiry_.emplace(lease.held.expires_at, id);
  unrecorded_.emplace(lease.held.claimed_at, id);
  return true;
}

std::optional<lease_table::entry> lease_table::remove(const step_id& id, std::uint64_t nonce) {
  auto found = entries_.find(id);
  if (found == entries_.end() || found->second.held.token.nonce != nonce)
    return std::nullopt;
  auto ended = std::move(found->second);
  entries_.erase(found);
  by_expiry_.erase({ended.held.expires_at, id});
  unrecorded_.erase({ended.held.claimed_at, id});
  if (ended.recorded)
    ended_.push_back(ended.held.token);
  return ended;
}

std::optional<lease_table::entry> lease_table::remove(const step_id& id) {
  auto found = entries_.find(id);
  return found == entries_.end() ? std::nullopt : remove(id, found->second.held.token.nonce);
}

void lease_table::forget_if(const std::function<bool(const entry&)>& matches) {
  std::erase_if(entries_, [&](const auto& one) {
    auto& [id, lease] = one;
    if (!matches(lease))
      return false;
    by_expiry_.erase({lease.held.expires_at, id});
    unrecorded_.erase({lease.held.claimed_at, id});
    return true;
  });
}

std::vector<std::pair<lease_table::entry, lease_end>> lease_table::take_expired(timestamp now) {
  std::vector<std::pair<entry, lease_end>> expired;
  while (!by_expiry_.empty() && by_expiry_.begin()->first <= now) {
    auto id = by_expiry_.begin()->second;
    auto ended = *remove(id);
    auto timed_out = ended.times_out_at && *ended.times_out_at <= now;
    expired.emplace_back(std::move(ended), timed_out ? lease_end::timed_out : lease_end::expired);
  }
  return expired;
}

sync_claims_unit lease_table::changes(timestamp older_than) {
  sync_claims_unit unit;
  unit.released = std::exchange(ended_, {});
  while (!unrecorded_.empty() && unrecorded_.begin()->first <= older_than) {
    auto& lease = entries_.at(unrecorded_.begin()->second);
    unrecorded_.erase(unrecorded_.begin());
    lease.recorded = true;
    unit.held.push_back(lease.held);
  }
  // The row of a lease that another of the same attempt has replaced is overwritten by that one's.
  std::erase_if(unit.released, [&](const lease_token& ended) {
    auto known = entries_.find(ended.step);
    return known != entries_.end() && known->second.recorded && known->second.held.token.attempt == ended.attempt;
  });
  return unit;
}

void lease_table::changes_lost(const sync_claims_unit& lost) {
  ended_.insert(ended_.end(), lost.released.begin(), lost.released.end());
  for (auto& held : lost.held) {
    auto found = entries_.find(held.token.step);
    if (found == entries_.end() || found->second.held.token.nonce != held.token.nonce)
      continue; // ended meanwhile; its row, should it exist, is released with the others
    unrecorded_.emplace(held.claimed_at, held.token.step);
  }
}

} // namespace geartrain
