#include "messages/expected.hpp"

namespace geartrain {

const char* to_string(errc code) {
  switch (code) {
    case errc::overloaded:
      return "overloaded";
    case errc::unavailable:
      return "unavailable";
    case errc::storage:
      return "storage";
    case errc::stopping:
      return "stopping";
    case errc::dropped:
      return "dropped";
    case errc::not_found:
      return "not_found";
    case errc::invalid:
      return "invalid";
    case errc::conflict:
      return "conflict";
    case errc::timeout:
      return "timeout";
    case errc::unhandled:
      return "unhandled";
  }
  return "unknown";
}

} // namespace geartrain
