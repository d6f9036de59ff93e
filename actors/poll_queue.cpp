#include "actors/poll_queue.hpp"

namespace geartrain {

std::vector<poll_queue::interest> poll_queue::interests_of(const poll_request& poll) {
  std::vector<interest> interests;
  for (auto& name : poll.namespaces) {
    if (!poll.handlers)
      interests.emplace_back(name, std::string{});
    else
      for (auto& callable : *poll.handlers)
        interests.emplace_back(name, callable);
  }
  return interests;
}

void poll_queue::add(poll_request poll, timestamp deadline) {
  auto id = poll.poll_id;
  auto sequence = next_sequence_++ | (poll.from_peer ? elsewhere : 0);
  for (auto& wanted : interests_of(poll))
    by_interest_[wanted].emplace(sequence, id);
  by_deadline_.emplace(deadline, id);
  waiting_.insert_or_assign(id, entry{std::move(poll), sequence, deadline});
}

std::optional<std::uint64_t> poll_queue::first_for(const std::string& namespace_name, const std::string& callable,
                                                   bool only_here) const {
  std::optional<std::pair<std::uint64_t, std::uint64_t>> first; // sequence, id
  for (auto& wanted : {callable, std::string{}})
    if (auto found = by_interest_.find({namespace_name, wanted}); found != by_interest_.end())
      if (auto candidate = *found->second.begin(); !first || candidate.first < first->first)
        first = candidate;
  if (!first || (only_here && first->first >= elsewhere))
    return std::nullopt;
  return first->second;
}

std::vector<std::shared_ptr<const poll_request>> poll_queue::waiting() const {
  std::vector<std::shared_ptr<const poll_request>> all;
  for (auto& [id, one] : waiting_)
    all.push_back(std::make_shared<const poll_request>(one.poll));
  return all;
}

std::optional<poll_request> poll_queue::remove(std::uint64_t poll_id) {
  auto found = waiting_.find(poll_id);
  if (found == waiting_.end())
    return std::nullopt;
  auto gone = std::move(found->second);
  waiting_.erase(found);
  by_deadline_.erase({gone.deadline, poll_id});
  for (auto& wanted : interests_of(gone.poll)) {
    auto list = by_interest_.find(wanted);
    if (list == by_interest_.end())
      continue; // named twice by the poll
    list->second.erase(gone.sequence);
    if (list->second.empty())
      by_interest_.erase(list);
  }
  return std::move(gone.poll);
}

std::vector<poll_request> poll_queue::take_overdue(timestamp now) {
  std::vector<poll_request> overdue;
  while (!by_deadline_.empty() && by_deadline_.begin()->first <= now)
    overdue.push_back(*remove(by_deadline_.begin()->second));
  return overdue;
}

std::vector<poll_request> poll_queue::take_all() {
  return take_overdue(timestamp::max());
}

} // namespace geartrain
