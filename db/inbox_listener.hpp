#pragma once

#include <functional>
#include <memory>
#include <string>

namespace geartrain {

/// Tells when creations were put into the inbox, on a connection and a thread of its own. Notifications are a courtesy:
/// whoever is told looks for itself, and looks from time to time anyway. A lost connection is made again, with growing
/// pauses; each time it stands, `told` is called, because something may have come meanwhile.
/// Thread-safe; `told` runs on the listener's thread and must not block.
class inbox_listener {
public:
  inbox_listener(std::string dsn, std::function<void()> told);

  /// Ends the thread; `told` is not called after that.
  ~inbox_listener();

  inbox_listener(const inbox_listener&) = delete;
  inbox_listener& operator=(const inbox_listener&) = delete;

private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

} // namespace geartrain
