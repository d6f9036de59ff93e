#pragma once

#include "messages/requests.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace geartrain {

/// Workers that wait for a first step, first come first served. Not thread-safe.
class poll_queue {
public:
  using interest = std::pair<std::string, std::string>; // namespace and callable; empty callable: any

  static std::vector<interest> interests_of(const poll_request& poll);

  /// Keeps a poll until `deadline`.
  void add(poll_request poll, timestamp deadline);

  /// The longest waiting poll that may run this handler of this namespace; nothing if nobody waits for it. Workers of
  /// other nodes come after all that wait here; with `only_here` they don't come at all.
  std::optional<std::uint64_t> first_for(const std::string& namespace_name, const std::string& callable,
                                         bool only_here = false) const;

  /// Everybody who waits.
  std::vector<std::shared_ptr<const poll_request>> waiting() const;

  /// Takes a waiting poll out; nothing if it is gone.
  std::optional<poll_request> remove(std::uint64_t poll_id);

  /// Takes out every poll that has waited long enough.
  std::vector<poll_request> take_overdue(timestamp now);
  std::vector<poll_request> take_all();

  std::size_t size() const { return waiting_.size(); }

private:
  struct entry {
    poll_request poll;
    std::uint64_t sequence = 0;
    timestamp deadline;
  };
  // Sequence numbers of polls of other nodes begin here, so that they come last.
  static constexpr std::uint64_t elsewhere = std::uint64_t{1} << 63;

  std::unordered_map<std::uint64_t, entry> waiting_;
  std::map<interest, std::map<std::uint64_t, std::uint64_t>> by_interest_; // sequence -> poll id
  std::set<std::pair<timestamp, std::uint64_t>> by_deadline_;
  std::uint64_t next_sequence_ = 0;
};

} // namespace geartrain
