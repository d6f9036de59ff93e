#include "db/operations.hpp"

#include <map>
#include <variant>

namespace geartrain::db_op {

namespace {

using enum pg_type;

using last_word = std::variant<const lease*, const lease_token*>; // held, or released

std::pair<step_id, std::uint16_t> key_of(const lease_token& token) {
  return {token.step, token.attempt};
}

using claim_words = std::map<std::pair<step_id, std::uint16_t>, last_word>;

/// True if the attempt was handed out anew since: that claim takes the place of the released one.
bool outlives(const claim_words& words, const lease_token& released) {
  auto found = words.find(key_of(released));
  if (found == words.end() || !std::holds_alternative<const lease*>(found->second))
    return false;
  return std::get<const lease*>(found->second)->token.nonce != released.nonce;
}

struct claim_columns {
  pg_array task{uuid}, step{int4}, attempt{int4}, yields{int4}, epoch{int8}, nonce{int8}, claimed{timestamptz},
    token_expires{timestamptz}, expires{timestamptz}, worker{text};

  void add(const lease& held) {
    task.add(task_of(held.token.step));
    step.add(std::int32_t{number_of(held.token.step)});
    attempt.add(std::int32_t{held.token.attempt});
    yields.add(std::int32_t{held.token.yields});
    epoch.add(std::int64_t{held.token.epoch});
    nonce.add(static_cast<std::int64_t>(held.token.nonce));
    claimed.add(held.claimed_at);
    token_expires.add(held.token.expires_at);
    expires.add(held.expires_at);
    worker.add(held.worker);
  }
};

struct released_columns {
  pg_array task{uuid}, step{int4}, attempt{int4}, nonce{int8};

  void add(const lease_token& token) {
    task.add(task_of(token.step));
    step.add(std::int32_t{number_of(token.step)});
    attempt.add(std::int32_t{token.attempt});
    nonce.add(static_cast<std::int64_t>(token.nonce));
  }
};

} // namespace

std::size_t sync_claims::weight(const unit& u) {
  return 64 + 100 * (u.held.size() + u.released.size());
}

calls sync_claims::encode(const units& batch) {
  claim_words words;
  for (auto* u : batch) {
    for (auto& held : u->held)
      words[key_of(held.token)] = &held;
    for (auto& token : u->released)
      if (!outlives(words, token))
        words[key_of(token)] = &token;
  }
  claim_columns held;
  released_columns released;
  for (auto& [key, word] : words) {
    if (auto* lease_held = std::get_if<const lease*>(&word))
      held.add(**lease_held);
    else
      released.add(*std::get<const lease_token*>(word));
  }
  parameters values;
  for (auto* column : {&held.task, &held.step, &held.attempt, &held.yields, &held.epoch, &held.nonce, &held.claimed,
                       &held.token_expires, &held.expires, &held.worker, &released.task, &released.step,
                       &released.attempt, &released.nonce})
    values.add(std::move(*column));
  calls all;
  all.push_back({statement_id::sync_claims, std::move(values)});
  return all;
}

outcomes<sync_claims> sync_claims::decode(const units& batch, const row_sets&) {
  outcomes<sync_claims> all;
  for (auto* u : batch)
    all.emplace_back(unit_done{static_cast<std::uint32_t>(u->held.size() + u->released.size())});
  return all;
}

std::size_t record_refused::weight(const unit& u) {
  return 64 + 120 * u.reports.size();
}

calls record_refused::encode(const units& batch) {
  pg_array task{uuid}, step{int4}, attempt{int4}, epoch{int8}, nonce{int8}, received{timestamptz}, success{boolean},
    worker{text};
  for (auto* u : batch) {
    for (auto& report : u->reports) {
      auto& token = report.token;
      task.add(task_of(token.step));
      step.add(std::int32_t{number_of(token.step)});
      attempt.add(std::int32_t{token.attempt});
      epoch.add(std::int64_t{token.epoch});
      nonce.add(static_cast<std::int64_t>(token.nonce));
      received.add(report.received_at);
      success.add(report.success);
      worker.add(report.worker);
    }
  }
  parameters values;
  for (auto* column : {&task, &step, &attempt, &epoch, &nonce, &received, &success, &worker})
    values.add(std::move(*column));
  calls all;
  all.push_back({statement_id::record_refused, std::move(values)});
  return all;
}

outcomes<record_refused> record_refused::decode(const units& batch, const row_sets&) {
  outcomes<record_refused> all;
  for (auto* u : batch)
    all.emplace_back(unit_done{static_cast<std::uint32_t>(u->reports.size())});
  return all;
}

} // namespace geartrain::db_op
