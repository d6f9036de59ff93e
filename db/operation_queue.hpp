#pragma once

#include "db/batch.hpp"
#include "db/gathering.hpp"

#include <algorithm>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <unordered_set>

namespace geartrain {

struct queue_limits {
  std::size_t max_batch = 512; ///< rows
  std::size_t max_batch_bytes = 8U << 20;
};

/// Over all operations.
struct queue_totals {
  std::size_t units = 0; ///< that wait
  std::size_t bytes = 0; ///< that wait
  gathering in_flight;
};

/// Times a batch is repeated after a deadlock or serialization failure before it counts as refused.
inline constexpr int max_repeats = 8;

/// What waits for one operation. Not thread-safe.
class waiting_line {
public:
  virtual ~waiting_line() = default;

  /// How many batches of this operation one flush may carry.
  virtual std::size_t batches_per_flush() const = 0;

  /// The next batch, or null if nothing can go now; `beside`: another connection is at work for operations that gather.
  virtual std::unique_ptr<batch> take(db_clock::time_point now, bool beside) = 0;

  /// When a connection may take what is held back, while another one is at work for operations that gather.
  virtual std::optional<db_clock::time_point> held_until() const = 0;

  /// True if nothing waits and nothing is in flight.
  virtual bool idle() const = 0;

  /// Answers the units whose deadline has passed.
  virtual void expire(db_clock::time_point now) = 0;

  /// When expire() has something to do next.
  virtual std::optional<db_clock::time_point> next_deadline() const = 0;

  /// Answers everything that waits.
  virtual void abandon(const failure& why) = 0;
};

/// The queue of one operation, in order of arrival. If the operation gathers, a connection takes something beside another
/// one only if a full batch waits, or if the first has waited for long (units that wait for their keys counted in).
///
/// Failed batches come back as groups that are tried again before anything new and are never mixed with it. A batch that
/// the server refuses is cut in halves until the unit to blame stands alone: it alone gets errc::storage.
template <class Op>
class operation_queue : public waiting_line {
public:
  using unit = typename Op::unit;
  using reply = typename Op::reply;
  using answer = answer_slot<reply>;
  using next_step =
    std::function<void(typename Op::next_unit, answer, db_clock::time_point arrived, db_clock::time_point deadline)>;

  operation_queue(queue_limits limits, queue_totals& totals, db_metrics& metrics)
    : limits_(limits), totals_(totals), metrics_(metrics), counters_(metrics.of(Op::id)) {}

  /// Where units go whose outcome is a second step.
  void set_next(next_step next) { next_ = std::move(next); }

  void push(unit u, answer done, db_clock::time_point arrived, db_clock::time_point deadline) {
    auto weight = Op::weight(u);
    auto rows = Op::rows(u);
    auto keys = Op::keys(u);
    fresh_.push_back({std::move(u), std::move(done), arrived, deadline, weight, rows, std::move(keys), false});
    count(fresh_.back(), 1);
    count_fresh(fresh_.back(), 1);
  }

  std::size_t batches_per_flush() const override { return Op::per_flush; }

  std::unique_ptr<batch> take(db_clock::time_point now, bool beside) override {
    if (Op::serial && in_flight_ > 0)
      return nullptr;
    group chosen;
    if (!groups_.empty() && free(groups_.front())) {
      chosen = std::move(groups_.front());
      groups_.pop_front();
      for (auto& one : chosen.items)
        busy_.insert(one.keys.begin(), one.keys.end());
    } else if (!Op::gathers || !beside || may_go_beside(now)) {
      chosen.items = choose();
    }
    if (chosen.items.empty())
      return nullptr;
    std::size_t rows = 0;
    for (auto& one : chosen.items) {
      rows += one.rows;
      count(one, -1);
      if (!std::exchange(one.was_sent, true))
        counters_.queue_wait_us.observe(microseconds(now - one.arrived));
    }
    counters_.batch_size.observe(static_cast<std::int64_t>(chosen.items.size()));
    ++in_flight_;
    gathering::flight flight;
    if (Op::gathers)
      flight = totals_.in_flight.take_off(rows, now);
    metrics_.in_flight.fetch_add(static_cast<std::int64_t>(chosen.items.size()), std::memory_order_relaxed);
    return std::make_unique<flying>(*this, std::move(chosen), flight);
  }

  std::optional<db_clock::time_point> held_until() const override {
    if (!Op::gathers || fresh_.empty())
      return std::nullopt;
    return fresh_.front().arrived + gathering::longest_hold;
  }

  bool idle() const override { return fresh_.empty() && groups_.empty() && in_flight_ == 0; }

  void expire(db_clock::time_point now) override {
    const failure why{errc::unavailable, "no connection to the database was free in time"};
    auto drop_late = [&](std::list<waiting>& items) {
      for (auto it = items.begin(); it != items.end() && it->deadline <= now;) {
        count(*it, -1);
        if (&items == &fresh_)
          count_fresh(*it, -1);
        refuse_one(*it, why);
        it = items.erase(it);
      }
    };
    drop_late(fresh_);
    for (auto& g : groups_)
      drop_late(g.items);
    std::erase_if(groups_, [](const group& g) { return g.items.empty(); });
  }

  std::optional<db_clock::time_point> next_deadline() const override {
    std::optional<db_clock::time_point> first;
    auto look_at = [&](const std::list<waiting>& items) {
      if (!items.empty() && (!first || items.front().deadline < *first))
        first = items.front().deadline;
    };
    look_at(fresh_);
    for (auto& g : groups_)
      look_at(g.items);
    return first;
  }

  void abandon(const failure& why) override {
    auto end = [&](std::list<waiting> items) {
      for (auto& one : items) {
        count(one, -1);
        refuse_one(one, why);
      }
    };
    end(std::exchange(fresh_, {}));
    fresh_rows_ = fresh_bytes_ = 0;
    for (auto& g : std::exchange(groups_, {}))
      end(std::move(g.items));
  }

private:
  static constexpr bool has_careful_way = requires(const typename Op::units& units) { Op::encode_careful(units); };

  struct waiting {
    unit work;
    answer done;
    db_clock::time_point arrived;
    db_clock::time_point deadline;
    std::size_t weight = 0; ///< bytes
    std::size_t rows = 1;
    db_op::unit_keys keys;
    bool was_sent = false;
  };

  /// Units that stay together.
  struct group {
    std::list<waiting> items;
    int repeats = 0;
    bool careful = false; ///< a key was in the way of the first try
  };

  class flying : public batch {
  public:
    flying(operation_queue& home, group load, gathering::flight flight)
      : home_(home), load_(std::move(load)), flight_(flight) {}

    ~flying() override {
      if (!load_.items.empty())
        abandon({errc::dropped, "the batch was dropped"});
    }

    db_operation operation() const override { return Op::id; }
    std::size_t size() const override { return load_.items.size(); }
    std::vector<statement_call> encode() override {
      if constexpr (has_careful_way)
        if (load_.careful)
          return Op::encode_careful(pointers());
      return Op::encode(pointers());
    }

    void complete(std::vector<row_set> rows) override {
      auto results = Op::decode(pointers(), rows);
      land();
      std::size_t i = 0;
      for (auto& one : std::exchange(load_.items, {}))
        home_.settle(one, std::move(results[i++]));
    }

    void refuse(const sql_error& error) override {
      land();
      home_.refused(std::exchange(load_, {}), error);
    }

    void put_back() override {
      land();
      home_.requeue(std::exchange(load_, {}));
    }

    void abandon(const failure& why) override {
      land();
      for (auto& one : std::exchange(load_.items, {}))
        home_.refuse_one(one, why);
    }

  private:
    typename Op::units pointers() const {
      typename Op::units all;
      all.reserve(load_.items.size());
      for (auto& one : load_.items)
        all.push_back(&one.work);
      return all;
    }

    void land() {
      --home_.in_flight_;
      if (Op::gathers)
        home_.totals_.in_flight.land(flight_);
      home_.metrics_.in_flight.fetch_sub(static_cast<std::int64_t>(load_.items.size()), std::memory_order_relaxed);
      for (auto& one : load_.items)
        for (auto& key : one.keys)
          home_.busy_.erase(key);
    }

    operation_queue& home_;
    group load_;
    gathering::flight flight_;
  };

  static std::int64_t microseconds(db_clock::duration d) {
    return std::chrono::duration_cast<std::chrono::microseconds>(d).count();
  }

  /// Books a unit in (+1) or out (-1) of what waits.
  void count(const waiting& one, int sign) {
    if (sign > 0) {
      totals_.units += 1;
      totals_.bytes += one.weight;
    } else {
      totals_.units -= 1;
      totals_.bytes -= one.weight;
    }
    metrics_.queued.fetch_add(sign, std::memory_order_relaxed);
  }

  void count_fresh(const waiting& one, int sign) {
    fresh_rows_ += sign > 0 ? one.rows : 0 - one.rows;
    fresh_bytes_ += sign > 0 ? one.weight : 0 - one.weight;
  }

  bool may_go_beside(db_clock::time_point now) const {
    return fresh_rows_ >= limits_.max_batch || fresh_bytes_ >= limits_.max_batch_bytes ||
           held_until().value_or(now) <= now;
  }

  using key_set = std::unordered_set<std::size_t>;

  bool free(const group& g) const {
    return std::none_of(g.items.begin(), g.items.end(), [&](const waiting& one) { return blocked(one, {}); });
  }

  bool blocked(const waiting& one, const key_set& passed_over) const {
    return std::any_of(one.keys.begin(), one.keys.end(),
                       [&](auto key) { return busy_.contains(key) || passed_over.contains(key); });
  }

  /// Everything that waits, up to the limits; of units that share a key only the first, and none if it is in flight.
  std::list<waiting> choose() {
    std::list<waiting> chosen;
    key_set passed_over; // nothing overtakes those
    for (auto& g : groups_)
      for (auto& one : g.items)
        passed_over.insert(one.keys.begin(), one.keys.end());
    std::size_t bytes = 0;
    std::size_t rows = 0;
    for (auto it = fresh_.begin(); it != fresh_.end() && (Op::folds || chosen.empty());) {
      auto here = it++;
      if (blocked(*here, passed_over)) {
        passed_over.insert(here->keys.begin(), here->keys.end());
        continue;
      }
      bytes += here->weight;
      rows += here->rows;
      if ((bytes > limits_.max_batch_bytes || rows > limits_.max_batch) && !chosen.empty())
        break;
      busy_.insert(here->keys.begin(), here->keys.end());
      count_fresh(*here, -1);
      chosen.splice(chosen.end(), fresh_, here);
    }
    return chosen;
  }

  void settle(waiting& one, db_op::outcome<Op> result) {
    if (auto* value = std::get_if<0>(&result))
      one.done(std::move(*value));
    else if (auto* why = std::get_if<1>(&result))
      refuse_one(one, *why);
    else if (next_)
      next_(std::move(std::get<2>(result)), std::move(one.done), one.arrived, one.deadline);
  }

  void refuse_one(waiting& one, const failure& why) {
    if (why.code != errc::not_found)
      counters_.errors.fetch_add(1, std::memory_order_relaxed);
    one.done(why);
  }

  void requeue(group g) {
    for (auto& one : g.items)
      count(one, 1);
    groups_.push_back(std::move(g));
  }

  void refused(group g, const sql_error& error) {
    auto verdict = judge(error);
    if (verdict == sql_verdict::again && g.repeats < max_repeats) {
      ++g.repeats;
      counters_.retries.fetch_add(1, std::memory_order_relaxed);
      return requeue(std::move(g));
    }
    if (has_careful_way && !g.careful && error.state == "23505") { // unique_violation
      g.careful = true;
      counters_.retries.fetch_add(1, std::memory_order_relaxed);
      return requeue(std::move(g));
    }
    if (verdict == sql_verdict::refused && g.items.size() > 1) {
      counters_.splits.fetch_add(1, std::memory_order_relaxed);
      group second{{}, 0, g.careful};
      second.items.splice(second.items.end(), g.items, std::next(g.items.begin(), half(g.items.size())), g.items.end());
      requeue(std::move(g));
      return requeue(std::move(second));
    }
    if (verdict == sql_verdict::refused)
      if (auto answered = Op::expected_refusal(error))
        return g.items.front().done(std::move(*answered));
    auto code = verdict == sql_verdict::refused ? errc::storage : errc::unavailable;
    for (auto& one : g.items)
      refuse_one(one, {code, error.state + ": " + error.message});
  }

  static std::ptrdiff_t half(std::size_t n) { return static_cast<std::ptrdiff_t>(n / 2); }

  const queue_limits limits_;
  queue_totals& totals_;
  db_metrics& metrics_;
  db_metrics::operation_counters& counters_;
  next_step next_;
  std::list<waiting> fresh_;
  std::deque<group> groups_;
  std::size_t fresh_rows_ = 0;
  std::size_t fresh_bytes_ = 0;
  key_set busy_;      // keys of units in flight
  int in_flight_ = 0; // batches
};

} // namespace geartrain
