#include "db/inbox_listener.hpp"

#include "db/statements.hpp"

#include <libpq-fe.h>
#include <spdlog/spdlog.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <random>

namespace geartrain {

namespace {

using clock = std::chrono::steady_clock;

constexpr std::size_t socket_slot = 0;

/// Longer than any program runs without something to hear.
constexpr std::chrono::hours for_ever{24};

} // namespace

/// One connection, from its first byte to its last. Every wait ends early when the listener stops.
class inbox_listener::session {
public:
  explicit session(inbox_listener& owner) : owner_(owner) {
    // Nothing is sent on this connection for days: only the system's probes notice that the server is gone.
    std::array<const char*, 7> keys{"dbname",
                                    "fallback_application_name",
                                    "client_encoding",
                                    "keepalives_idle",
                                    "keepalives_interval",
                                    "keepalives_count",
                                    nullptr};
    std::array<const char*, 7> values{owner.config_.dsn.c_str(), "geartrain inbox", "UTF8", "30", "10", "3", nullptr};
    raw_ = PQconnectStartParams(keys.data(), values.data(), 1);
  }

  ~session() { PQfinish(raw_); }
  session(const session&) = delete;
  session& operator=(const session&) = delete;

  /// False on trouble, or if the listener stops.
  bool connect() {
    auto until = clock::now() + owner_.config_.answer_within;
    if (PQstatus(raw_) == CONNECTION_BAD)
      return false;
    for (auto next = PGRES_POLLING_WRITING; next != PGRES_POLLING_OK; next = PQconnectPoll(raw_))
      if (next == PGRES_POLLING_FAILED || !wait(next == PGRES_POLLING_WRITING ? EPOLLOUT : EPOLLIN, until))
        return false;
    PQsetNoticeReceiver(
      raw_, [](void*, const PGresult*) {}, nullptr);
    return true;
  }

  bool listen() {
    auto until = clock::now() + owner_.config_.answer_within;
    if (PQsendQuery(raw_, blocking_sql::listen_inbox) != 1)
      return false;
    while (PQisBusy(raw_) != 0)
      if (!wait(EPOLLIN, until) || PQconsumeInput(raw_) != 1)
        return false;
    auto ok = false;
    while (auto* result = PQgetResult(raw_)) {
      ok = PQresultStatus(result) == PGRES_COMMAND_OK;
      PQclear(result);
    }
    return ok;
  }

  /// Waits until at least one notification has come; takes all that are there.
  bool hear() {
    for (;;) {
      auto heard = false;
      while (auto* notification = PQnotifies(raw_)) {
        PQfreemem(notification);
        heard = true;
      }
      if (heard)
        return true;
      if (!wait(EPOLLIN, clock::now() + for_ever) || PQconsumeInput(raw_) != 1 || PQstatus(raw_) != CONNECTION_OK)
        return false;
    }
  }

  std::string trouble() const {
    std::string text = raw_ ? PQerrorMessage(raw_) : "out of memory";
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
  }

private:
  bool wait(std::uint32_t interest, clock::time_point until) {
    while (!owner_.stopping_) {
      auto now = clock::now();
      if (now >= until)
        return false;
      owner_.poller_.watch(socket_slot, PQsocket(raw_), interest);
      if (!owner_.poller_.wait(std::chrono::ceil<milliseconds>(until - now)).empty())
        return true;
    }
    return false;
  }

  inbox_listener& owner_;
  PGconn* raw_ = nullptr;
};

inbox_listener::inbox_listener(config settings, std::function<void()> look)
  : config_(std::move(settings)), look_(std::move(look)), thread_([this] { run(); }) {}

inbox_listener::~inbox_listener() {
  stopping_ = true;
  poller_.wake();
  thread_.join();
}

void inbox_listener::run() {
  auto pause = config_.reconnect_min;
  auto complained = false;
  while (!stopping_) {
    session current{*this};
    if (current.connect() && current.listen()) {
      pause = config_.reconnect_min;
      complained = false;
      listening_.store(true, std::memory_order_release);
      do
        look_();
      while (!stopping_ && current.hear());
      listening_.store(false, std::memory_order_release);
    }
    if (stopping_)
      return;
    if (!std::exchange(complained, true))
      spdlog::warn("nobody listens for the inbox, trying on: {}", current.trouble());
    rest(pause);
    pause = std::min(pause * 2, config_.reconnect_max);
  }
}

/// Half of the pause, and a random part of the other half: nodes that lost the same server don't come back at once.
void inbox_listener::rest(milliseconds pause) {
  thread_local std::minstd_rand random{std::random_device{}()};
  auto until =
    clock::now() + pause / 2 + milliseconds{std::uniform_int_distribution<std::int64_t>{0, pause.count() / 2}(random)};
  for (auto now = clock::now(); !stopping_ && now < until; now = clock::now())
    poller_.wait(std::chrono::ceil<milliseconds>(until - now));
}

} // namespace geartrain
