#include "db/retention.hpp"

#include "db/blocking_session.hpp"
#include "db/gzip_file.hpp"
#include "db/operations.hpp"
#include "db/retention_statements.hpp"

#include <algorithm>
#include <thread>
#include <utility>

namespace geartrain {

namespace fs = std::filesystem;

namespace {

using std::chrono::sys_days;

constexpr int lock_tries = 120;
constexpr milliseconds lock_pause{1000};
constexpr std::int64_t sweep_batch = 5000;

/// The bounds of a run.
struct limits {
  timestamp ended_before;
  task_id bound; ///< tasks of old weeks have smaller ids
};

sys_days monday_of(timestamp at) {
  auto day = std::chrono::floor<std::chrono::days>(at);
  return day - (std::chrono::weekday{day} - std::chrono::Monday);
}

limits limits_of(const retention_options& options) {
  auto before = options.now - options.older_than;
  return {before, db_op::first_id_at(monday_of(before))};
}

/// A text array of the names of an enumeration, by number from 0 to `last`.
template <class Enum>
pg_array names_of(std::size_t last) {
  pg_array names{pg_type::text};
  for (std::size_t i = 0; i <= last; ++i)
    names.add(to_string(static_cast<Enum>(i)));
  return names;
}

class run {
public:
  run(const retention_options& options, blocking_session& session, std::function<void(const std::string&)> progress)
    : options_(options), session_(session), progress_(std::move(progress)), limits_(limits_of(options)) {}

  expected<retention_plan> plan() {
    auto rows = session_.run(retention_sql::weeks, parameters{}.add(limits_.bound).add(limits_.ended_before));
    if (!rows)
      return rows.error();
    retention_plan plan;
    plan.ended_before = limits_.ended_before;
    for (int i = 0; i < (*rows)->size(); ++i) {
      auto count = [&](int column) { return static_cast<std::uint64_t>((*rows)->int8(i, column)); };
      plan.weeks.push_back({std::string{(*rows)->text(i, 0)}, count(1), count(2), count(3)});
      plan.finished += count(1);
    }
    return plan;
  }

  /// Archives first, then head rows, then partitions, then what is left over without a head row.
  expected<retention_report> execute() {
    auto weeks = plan();
    if (!weeks)
      return weeks.error();
    for (auto& week : weeks->weeks)
      if (options_.archive_dir && week.finished > 0)
        if (auto why = archive(week))
          return *why;
    for (auto step : {&run::remove_heads, &run::drop_weeks, &run::sweep_defaults, &run::sweep_identities,
                      &run::sweep_letters, &run::remove_events})
      if (auto why = (this->*step)(*weeks))
        return *why;
    return report_;
  }

private:
  using trouble = std::optional<failure>;

  void say(const std::string& sentence) const {
    if (progress_)
      progress_(sentence);
  }

  // -- archives ------------------------------------------------------------------

  /// A name that no earlier run has used.
  fs::path free_place(const std::string& monday) const {
    auto name = "tasks-" + monday;
    auto place = *options_.archive_dir / (name + ".jsonl.gz");
    for (int i = 2; fs::exists(place); ++i)
      place = *options_.archive_dir / (name + "." + std::to_string(i) + ".jsonl.gz");
    return place;
  }

  trouble archive(const retention_week& week) {
    std::error_code code;
    fs::create_directories(*options_.archive_dir, code);
    auto file = gzip_file::create(free_place(week.monday));
    if (!file)
      return file.error();
    auto from = first_id_of(week.monday);
    auto below = first_id_of(week.monday, 7);
    for (;;) {
      auto rows = session_.run(retention_sql::archive_page, archive_values(from, below));
      if (!rows)
        return rows.error();
      for (int i = 0; i < (*rows)->size(); ++i)
        if (!(*file)->write_line((*rows)->text(i, 1)))
          return (*file)->finish().error();
      report_.tasks_archived += static_cast<std::uint64_t>((*rows)->size());
      if ((*rows)->size() < page_size())
        break;
      from = (*rows)->id((*rows)->size() - 1, 0);
    }
    auto written = (*file)->finish();
    if (!written)
      return written.error();
    say("archived the week of " + week.monday + " in " + written->string());
    report_.archives.push_back(*written);
    return {};
  }

  int page_size() const { return static_cast<int>(std::min<std::uint32_t>(options_.batch, 500)); }

  parameters archive_values(const task_id& from, const task_id& below) const {
    parameters values;
    values.add(from).add(below).add(limits_.ended_before);
    values.add(names_of<task_state>(task_state_count - 1)).add(names_of<step_state>(step_state_count - 1));
    values.add(names_of<attempt_outcome>(attempt_outcome_count)).add(names_of<fact_kind>(fact_kind_count));
    values.add(names_of<dead_letter_reason>(dead_letter_reason_count));
    return values.add(std::int64_t{page_size()});
  }

  static task_id first_id_of(const std::string& monday, int days_later = 0) {
    auto number = [&](std::size_t from, std::size_t size) { return std::stoi(monday.substr(from, size)); };
    std::chrono::year_month_day date{std::chrono::year{number(0, 4)},
                                     std::chrono::month{static_cast<unsigned>(number(5, 2))},
                                     std::chrono::day{static_cast<unsigned>(number(8, 2))}};
    return db_op::first_id_at(sys_days{date} + std::chrono::days{days_later});
  }

  // -- removal -------------------------------------------------------------------

  trouble remove_heads(const retention_plan&) {
    task_id after;
    for (;;) {
      parameters values;
      values.add(limits_.bound).add(limits_.ended_before).add(std::int64_t{options_.batch}).add(after);
      auto rows = session_.run(retention_sql::remove_heads, values);
      if (!rows)
        return rows.error();
      report_.tasks_removed += static_cast<std::uint64_t>((*rows)->int8(0, 1));
      if ((*rows)->int8(0, 0) > 0)
        say("removed " + std::to_string(report_.tasks_removed) + " tasks");
      if ((*rows)->int8(0, 0) < std::int64_t{options_.batch})
        return {};
      after = (*rows)->id(0, 2);
    }
  }

  trouble drop_weeks(const retention_plan& plan) {
    for (auto& week : plan.weeks) {
      if (week.bytes == 0)
        continue;
      auto moved = drop(week.monday);
      if (!moved)
        return moved.error();
      report_.rows_moved += *moved;
      report_.weeks_dropped += 1;
      say("dropped the week of " + week.monday);
    }
    return {};
  }

  /// A busy system may not give the locks at once, and asking for them in vain holds it up: hence pauses between tries.
  expected<std::uint64_t> drop(const std::string& monday) {
    for (int i = 1;; ++i) {
      auto rows = session_.run(retention_sql::drop_week, parameters{}.add(monday));
      if (rows)
        return static_cast<std::uint64_t>((*rows)->int8(0, 0));
      auto& message = rows.error().message;
      auto locked = message.starts_with("55P03") || message.starts_with("40P01"); // no lock in time, or a deadlock
      if (!locked || i == lock_tries)
        return rows.error();
      std::this_thread::sleep_for(lock_pause);
    }
  }

  trouble sweep_defaults(const retention_plan&) {
    for (;;) {
      auto rows =
        session_.run(retention_sql::sweep_defaults, parameters{}.add(limits_.bound).add(std::int64_t{sweep_batch}));
      if (!rows)
        return rows.error();
      auto count = static_cast<std::uint64_t>((*rows)->int8(0, 0));
      if (count == 0)
        return {};
      report_.rows_swept += count;
    }
  }

  trouble sweep_identities(const retention_plan&) {
    std::string after;
    for (;;) {
      parameters values;
      values.add(after).add(limits_.bound).add(std::int64_t{sweep_batch});
      auto rows = session_.run(retention_sql::sweep_identities, values);
      if (!rows)
        return rows.error();
      report_.identities_removed += static_cast<std::uint64_t>((*rows)->int8(0, 1));
      if ((*rows)->int8(0, 0) < sweep_batch)
        return {};
      after = (*rows)->text(0, 2);
    }
  }

  trouble sweep_letters(const retention_plan&) {
    auto rows = session_.run(retention_sql::sweep_letters, parameters{}.add(limits_.ended_before));
    return rows ? trouble{} : rows.error();
  }

  trouble remove_events(const retention_plan&) {
    for (;;) {
      auto rows = session_.run(retention_sql::remove_events,
                               parameters{}.add(limits_.ended_before).add(std::int64_t{sweep_batch}));
      if (!rows)
        return rows.error();
      report_.events_removed += (*rows)->touched();
      if ((*rows)->touched() == 0)
        return {};
    }
  }

  const retention_options& options_;
  blocking_session& session_;
  const std::function<void(const std::string&)> progress_;
  const limits limits_;
  retention_report report_;
};

} // namespace

expected<retention_plan> plan_retention(const retention_options& options) {
  auto session = blocking_session::open(options.dsn);
  if (!session)
    return session.error();
  return run{options, **session, {}}.plan();
}

expected<retention_report> run_retention(const retention_options& options,
                                         const std::function<void(const std::string&)>& progress) {
  auto session = blocking_session::open(options.dsn);
  if (!session)
    return session.error();
  auto locked = (*session)->run(retention_sql::try_lock);
  if (!locked)
    return locked.error();
  if (!(*locked)->boolean(0, 0))
    return failure{errc::conflict, "another retention run is at work"};
  auto report = run{options, **session, progress}.execute();
  (*session)->run(retention_sql::unlock); // the server may take its time to see that the connection is closed
  return report;
}

} // namespace geartrain
