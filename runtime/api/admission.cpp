#include "runtime/api/admission.hpp"

namespace geartrain {

std::string_view to_string(admission_kind kind) {
  switch (kind) {
    case admission_kind::creation:
      return "creation";
    case admission_kind::report:
      return "report";
    case admission_kind::poll:
      return "poll";
    case admission_kind::read:
      return "read";
    case admission_kind::wait:
      return "wait";
  }
  return "unknown";
}

admission::admission(admission_limits limits)
  : counters_(std::make_shared<std::array<counter, admission_kind_count>>()) {
  auto set = [&](admission_kind kind, std::uint32_t limit) {
    (*counters_)[static_cast<std::size_t>(kind)].limit = limit;
  };
  set(admission_kind::creation, limits.creations);
  set(admission_kind::report, limits.reports);
  set(admission_kind::poll, limits.polls);
  set(admission_kind::read, limits.reads);
  set(admission_kind::wait, limits.waits);
}

admission_ticket admission::enter(admission_kind kind, std::uint32_t amount) {
  auto& credit = (*counters_)[static_cast<std::size_t>(kind)];
  auto used = credit.used.load(std::memory_order_relaxed);
  do {
    if (used > 0 && (used >= credit.limit || credit.limit - used < amount)) {
      credit.refused.fetch_add(1, std::memory_order_relaxed);
      return nullptr;
    }
  } while (!credit.used.compare_exchange_weak(used, used + amount, std::memory_order_relaxed));
  return {&credit, [all = counters_, &credit, amount](const void*) {
            credit.used.fetch_sub(amount, std::memory_order_relaxed);
          }};
}

std::uint32_t admission::in_flight(admission_kind kind) const {
  return (*counters_)[static_cast<std::size_t>(kind)].used.load(std::memory_order_relaxed);
}

std::uint32_t admission::limit(admission_kind kind) const {
  return (*counters_)[static_cast<std::size_t>(kind)].limit;
}

std::uint64_t admission::refused(admission_kind kind) const {
  return (*counters_)[static_cast<std::size_t>(kind)].refused.load(std::memory_order_relaxed);
}

} // namespace geartrain
