#include "runtime/http/http_server.hpp"
#include "tests/api/raw_client.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <iterator>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace geartrain;
using namespace geartrain::testing;

namespace {

/// A server whose only route hands its responders to the test.
struct waiting_room {
  explicit waiting_room(std::size_t threads = 1) {
    http_config config;
    config.port = 0;
    config.threads = threads;
    router routes;
    routes.add("GET", "/wait", [this](const http_request&, const responder& reply) { arrived.set_value(reply); });
    metrics = routes.metrics();
    server = std::move(*http_server::start(config, std::move(routes)));
  }

  /// Sends a request and takes its responder.
  responder enter(raw_client& client) {
    arrived = {};
    auto pending = arrived.get_future();
    client.send(format_request("GET", "/wait"));
    REQUIRE(pending.wait_for(std::chrono::seconds{10}) == std::future_status::ready);
    return pending.get();
  }

  std::promise<responder> arrived;
  std::shared_ptr<http_metrics> metrics;
  std::unique_ptr<http_server> server;
};

/// A flag to wait for.
template <class T>
struct told {
  std::promise<T> promise;
  T wait() {
    auto answer = promise.get_future();
    REQUIRE(answer.wait_for(std::chrono::seconds{10}) == std::future_status::ready);
    return answer.get();
  }
};

http_response body(std::string text) {
  http_response response;
  response.body = std::move(text);
  return response;
}

} // namespace

TEST_CASE("an answer may come from any thread; only the first counts") {
  waiting_room room;
  raw_client client{room.server->port()};
  auto reply = room.enter(client);
  told<bool> written;
  std::thread{[&] {
    reply(body("first"), [&](bool ok) { written.promise.set_value(ok); });
    reply(body("second"));
  }}.join();
  CHECK(client.receive().body == "first");
  CHECK(written.wait());
  CHECK(room.metrics->pending == 0);
}

TEST_CASE("an unanswered request is answered when its last responder goes away") {
  waiting_room room;
  raw_client client{room.server->port()};
  auto reply = room.enter(client);
  auto copy = reply;
  reply = {};
  copy = {};
  auto answer = client.receive();
  CHECK(answer.status == 503);
  CHECK(answer.header("retry-after") == "1");
}

TEST_CASE("a client that leaves while it waits is noticed, and nothing is written to it") {
  waiting_room room;
  for (bool hard : {false, true}) {
    auto client = std::make_unique<raw_client>(room.server->port());
    auto reply = room.enter(*client);
    told<bool> left;
    reply.on_disconnect([&] { left.promise.set_value(true); });
    hard ? client->reset() : client->close();
    CHECK(left.wait());
    told<bool> written;
    std::atomic<bool> composed{false};
    reply.later(
      [&] {
        composed = true;
        return body("too late");
      },
      [&](bool ok) { written.promise.set_value(ok); });
    CHECK(!written.wait());
    CHECK(!composed);
    told<bool> late;
    reply.on_disconnect([&] { late.promise.set_value(true); }); // already answered: never called
  }
}

TEST_CASE("a hook set after the client has left runs at once") {
  waiting_room room;
  auto client = std::make_unique<raw_client>(room.server->port());
  auto reply = room.enter(*client);
  client->reset();
  while (room.metrics->connections > 0)
    std::this_thread::yield();
  bool left = false;
  reply.on_disconnect([&] { left = true; });
  CHECK(left);
  bool written = true;
  reply(body("x"), [&](bool ok) { written = ok; });
  CHECK(!written);
}

TEST_CASE("an answer that the client never takes is reported as not written") {
  http_config config;
  config.port = 0;
  config.write_timeout = milliseconds{100};
  router routes;
  told<bool> written;
  routes.add("GET", "/big", [&](const http_request&, const responder& reply) {
    reply(body(std::string(64 << 20, 'x')), [&](bool ok) { written.promise.set_value(ok); });
  });
  auto server = std::move(*http_server::start(config, std::move(routes)));
  raw_client client{server->port()};
  client.send(format_request("GET", "/big"));
  CHECK(!written.wait());
}

TEST_CASE("composing an answer may fail") {
  waiting_room room;
  raw_client client{room.server->port()};
  room.enter(client).later([]() -> http_response { throw std::runtime_error("oops"); });
  CHECK(client.receive().error_code() == "INTERNAL_ERROR");
}

TEST_CASE("stopping answers what is in flight and closes what is idle") {
  waiting_room room;
  raw_client idle{room.server->port()};
  raw_client client{room.server->port()};
  auto reply = room.enter(client);
  room.server->drain();
  CHECK(idle.wait_for_end());
  CHECK_THROWS_AS(raw_client{room.server->port()}, std::runtime_error);
  std::thread answering{[&] { reply(body("done")); }};
  CHECK(room.server->stop(milliseconds{10000}));
  answering.join();
  auto answer = client.receive();
  CHECK(answer.body == "done");
  CHECK(answer.header("connection") == "close");
  CHECK(client.wait_for_end());
}

TEST_CASE("what is not answered by the deadline is cut off, and later answers do no harm") {
  waiting_room room;
  raw_client client{room.server->port()};
  auto reply = room.enter(client);
  std::atomic<bool> left{false};
  reply.on_disconnect([&] { left = true; });
  CHECK(!room.server->stop(milliseconds{50}));
  CHECK(left);
  bool written = true;
  reply(body("x"), [&](bool ok) { written = ok; });
  CHECK(!written);
  room.server.reset();
  reply = {};
  CHECK(client.receive().status == 0);
}

TEST_CASE("hundreds of long polls wait on one thread") {
  constexpr int count = 400;
  http_config config;
  config.port = 0;
  router routes;
  std::mutex mutex;
  std::vector<responder> held;
  routes.add("GET", "/wait", [&](const http_request&, const responder& reply) {
    std::lock_guard guard{mutex};
    held.push_back(reply);
  });
  auto metrics = routes.metrics();
  auto server = std::move(*http_server::start(config, std::move(routes)));
  std::vector<std::unique_ptr<raw_client>> clients;
  for (int i = 0; i < count; ++i) {
    clients.push_back(std::make_unique<raw_client>(server->port()));
    clients.back()->send(format_request("GET", "/wait"));
  }
  auto all_wait = [&] {
    std::lock_guard guard{mutex};
    return std::ssize(held) == count;
  };
  while (!all_wait())
    std::this_thread::yield();
  CHECK(metrics->pending == count);
  for (auto& reply : held)
    reply(body("now"));
  for (auto& client : clients)
    CHECK(client->receive().body == "now");
  held.clear();
}
