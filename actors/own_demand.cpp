#include "actors/own_demand.hpp"

#include <initializer_list>

namespace geartrain {

void own_demand::note(const poll_request& poll, timestamp now) {
  for (auto& wanted : poll_queue::interests_of(poll))
    last_[wanted] = now;
}

bool own_demand::is_alive(const std::string& namespace_name, const std::string& callable, timestamp since) const {
  for (auto& wanted : {callable, std::string{}})
    if (auto found = last_.find({namespace_name, wanted}); found != last_.end() && found->second > since)
      return true;
  return false;
}

void own_demand::forget(timestamp before) {
  std::erase_if(last_, [before](const auto& one) { return one.second < before; });
}

} // namespace geartrain
