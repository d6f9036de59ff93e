#include "db/operations.hpp"

#include <array>

// What is known of one step: ended attempts, refused reports and acts, in one list.

namespace geartrain::db_op {

namespace {

/// Where a row of the audit comes from; the numbers stand in the statement.
enum class source : std::int16_t { attempt = 1, refused = 2, act = 3 };

/// Mixes numbers into 64 bits (FNV-1a over their bytes).
class mixer {
public:
  explicit mixer(std::uint64_t seed) : hash_(seed) {}

  mixer& add(std::uint64_t value) {
    for (int i = 0; i < 8; ++i)
      hash_ = (hash_ ^ ((value >> (8 * i)) & 0xff)) * 1099511628211ULL;
    return *this;
  }

  std::uint64_t get() const { return hash_; }

private:
  std::uint64_t hash_;
};

/// An id that is the same whenever it is asked for: the task's time, then what identifies the row, as a UUIDv8.
uuid derived_id(const task_id& task, const std::array<std::uint64_t, 4>& what) {
  std::uint64_t low_half = 0;
  for (std::size_t i = 8; i < 16; ++i)
    low_half = low_half << 8 | task.bytes[i];
  mixer first{14695981039346656037ULL};
  mixer second{0x9e3779b97f4a7c15ULL};
  for (auto* m : {&first, &second}) {
    m->add(low_half);
    for (auto value : what)
      m->add(value);
  }
  auto id = task;
  for (std::size_t i = 0; i < 2; ++i)
    id.bytes[6 + i] = static_cast<std::uint8_t>(first.get() >> (8 * i));
  for (std::size_t i = 0; i < 8; ++i)
    id.bytes[8 + i] = static_cast<std::uint8_t>(second.get() >> (8 * i));
  id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0f) | 0x80);
  id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3f) | 0x80);
  return id;
}

json_text event_of(std::string_view type, const json_text& data) {
  std::string text = R"({"type":")";
  text += type;
  text += R"(","data":)";
  text += data.view_or("null");
  text += '}';
  return json_text{std::move(text)};
}

/// The state that the end of an attempt led to. After an expiry the step is offered again at once.
step_state state_after(attempt_outcome outcome, bool again) {
  if (outcome == attempt_outcome::success)
    return step_state::complete;
  if (!again)
    return step_state::error;
  return outcome == attempt_outcome::lease_expired ? step_state::enqueued : step_state::waiting_for_retry;
}

std::optional<step_state> state_at(const row_set& rows, int i, int column) {
  auto number = rows.optional_int2(i, column);
  if (!number)
    return std::nullopt;
  return static_cast<step_state>(*number);
}

void fill_attempt(audit_row& row, const row_set& rows, int i) {
  auto outcome = static_cast<attempt_outcome>(rows.int2(i, 5));
  row.kind = "result";
  row.worker = rows.text(i, 7);
  row.success = outcome == attempt_outcome::success;
  row.execution_time_ms = rows.optional_int8(i, 9);
  row.result = event_of(to_string(outcome), rows.json(i, 11));
  row.from = step_state::in_progress;
  row.to = state_after(outcome, rows.boolean(i, 10));
}

/// A refused report changed nothing, so it leads from where the step was for that worker to the same state.
void fill_refused(audit_row& row, const row_set& rows, int i) {
  row.kind = "refused";
  row.worker = rows.text(i, 7);
  row.success = rows.int2(i, 5) != 0;
  row.result = event_of("refused", {});
  row.from = step_state::in_progress;
  row.to = step_state::in_progress;
}

void fill_act(audit_row& row, const row_set& rows, int i) {
  auto kind = to_string(static_cast<fact_kind>(rows.int2(i, 5)));
  row.kind = kind;
  row.who = rows.text(i, 7);
  row.reason = rows.text(i, 8);
  row.result = event_of(kind, rows.json(i, 11));
  row.from = state_at(rows, i, 12);
  row.to = state_at(rows, i, 13).value_or(step_state::pending);
  row.success = satisfies_children(row.to);
}

audit_row read_row(const step_id& step, const row_set& rows, int i) {
  auto task = task_of(step);
  auto from = static_cast<source>(rows.int2(i, 0));
  auto version = static_cast<std::uint64_t>(rows.int4(i, 2));
  audit_row row;
  row.attempt = static_cast<std::uint16_t>(rows.int4(i, 1));
  row.recorded_at = rows.time(i, 4);
  // An attempt is known by its number, an act by its place in its turn, a refused report by when it came with what.
  auto part = from == source::attempt ? std::uint64_t{row.attempt}
              : from == source::act   ? version << 32 | static_cast<std::uint64_t>(rows.int4(i, 3))
                                      : static_cast<std::uint64_t>(row.recorded_at.time_since_epoch().count());
  auto nonce = from == source::refused ? static_cast<std::uint64_t>(rows.int8(i, 6)) : 0;
  row.id = derived_id(task, {number_of(step), static_cast<std::uint64_t>(from), part, nonce});
  row.transition_id = from == source::refused ? row.id : derived_id(task, {0, 0, version, 0});
  switch (from) {
    case source::attempt:
      fill_attempt(row, rows, i);
      break;
    case source::refused:
      fill_refused(row, rows, i);
      break;
    case source::act:
      fill_act(row, rows, i);
      break;
  }
  return row;
}

} // namespace

calls read_audit::encode(const units& batch) {
  auto& step = batch.front()->step;
  calls all;
  all.push_back({statement_id::audit_head, parameters{}.add(task_of(step))});
  all.push_back({statement_id::audit_rows, parameters{}.add(task_of(step)).add(std::int32_t{number_of(step)})});
  return all;
}

outcomes<read_audit> read_audit::decode(const units& batch, const row_sets& rows) {
  auto& step = batch.front()->step;
  outcomes<read_audit> all;
  if (rows[0].size() == 0) {
    all.emplace_back(failure{errc::not_found, "no task " + to_string(task_of(step))});
    return all;
  }
  read_audit_reply reply;
  reply.correlation_id = rows[0].id(0, 0);
  for (int i = 0; i < rows[1].size(); ++i)
    reply.rows.push_back(read_row(step, rows[1], i));
  all.emplace_back(std::move(reply));
  return all;
}

} // namespace geartrain::db_op
