#include "messages/worker.hpp"

namespace geartrain {

std::string_view to_string(report_status status) {
  switch (status) {
    case report_status::accepted:
      return "accepted";
    case report_status::duplicate:
      return "duplicate";
    case report_status::stale:
      return "stale";
    case report_status::invalid:
      return "invalid";
  }
  return "unknown";
}

std::string_view to_string(heartbeat_status status) {
  switch (status) {
    case heartbeat_status::extended:
      return "extended";
    case heartbeat_status::lost:
      return "lost";
    case heartbeat_status::cancelled:
      return "cancelled";
  }
  return "unknown";
}

} // namespace geartrain
