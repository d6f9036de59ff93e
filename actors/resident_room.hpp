#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <unordered_set>

namespace geartrain {

/// How many contexts a result_processor keeps in memory, and for which templates others wait in the database. Counts
/// only; not thread-safe.
///
/// A template may take up to four times what is free (dynamic thresholds, A. K. Choudhury and E. L. Hahne, "Dynamic queue
/// length thresholds for shared-memory packet switches", 1998). One alone fills four fifths of the room, and however many
/// of its tasks wait for workers that do not come, a task of another one finds room.
class resident_room {
public:
  void enter(std::int64_t of_template);
  void leave(std::int64_t of_template);

  /// How many contexts there are.
  std::size_t taken() const { return taken_; }

  /// True if one more of this template may come, of `limit` in all.
  bool fits(std::int64_t of_template, std::size_t limit) const;

  // -- those that found no room --------------------------------------------------

  void leave_out(std::int64_t of_template) { left_out_.insert(of_template); }
  bool has_left_out() const { return !left_out_.empty() || !looked_for_.empty(); }

  /// True if there is so much room now for some of those that were left out that fetching them is worth it.
  bool is_worth_a_look(std::size_t limit) const;

  /// Those that were left out are looked at again; the ones that still find no room are to be left out again.
  void begin_look();

  /// True if no template that is being looked for has room for one more.
  bool is_full(std::size_t limit) const;

  /// `saw_all`: else what was looked for stays left out.
  void end_look(bool saw_all);

private:
  bool has_room(std::int64_t of_template, std::size_t limit, std::size_t times) const;

  std::size_t taken_ = 0;
  std::unordered_map<std::int64_t, std::size_t> by_template_;
  std::unordered_set<std::int64_t> left_out_;
  std::unordered_set<std::int64_t> looked_for_;
};

} // namespace geartrain
