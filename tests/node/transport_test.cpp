// Links between nodes over TLS, several nodes in this process, and strangers who come between.

#include "runtime/cluster/certificates.hpp"
#include "runtime/cluster/transport.hpp"

#include <caf/all.hpp>
#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <memory>
#include <thread>

using namespace std::chrono_literals;

namespace geartrain {
namespace {

using steady = std::chrono::steady_clock;

node_id id_of(std::uint8_t number) {
  node_id id;
  id.bytes.fill(number);
  return id;
}

transport_identity identity_of(const pem_pair& authority, std::uint8_t number) {
  auto own = issue_certificate(authority, "node-" + std::to_string(number));
  REQUIRE(own);
  return {id_of(number), *own, authority.certificate};
}

pem_pair new_authority() {
  auto made = make_authority();
  REQUIRE(made);
  return *made;
}

/// Adds one to a number, and counts the bytes of a text.
class worker : public caf::event_based_actor {
public:
  using caf::event_based_actor::event_based_actor;

protected:
  caf::behavior make_behavior() override {
    return {
      [](caf::add_atom, std::int32_t number) { return number + 1; },
      [](const std::string& text) { return static_cast<std::int32_t>(text.size()); },
    };
  }
};

/// An actor system with a worker that others can reach.
class test_node {
public:
  explicit test_node(const transport_identity& identity, const std::string& speaks = {}) {
    settings_.set("scheduler.max-threads", std::size_t{2});
    REQUIRE(configure_transport(settings_, identity));
    if (!speaks.empty())
      settings_.set("middleman.app-identifiers", std::vector<std::string>{speaks});
    system_ = std::make_unique<caf::actor_system>(settings_);
    worker_ = system_->spawn<worker>();
    port = publish(worker_);
  }

  ~test_node() {
    caf::anon_send_exit(worker_, caf::exit_reason::user_shutdown);
    worker_ = nullptr;
    system_.reset();
  }

  std::uint16_t publish(const caf::actor& actor) {
    auto bound = publish_link(*system_, caf::actor_cast<caf::strong_actor_ptr>(actor), "127.0.0.1", 0);
    REQUIRE(bound);
    return *bound;
  }

  expected<caf::strong_actor_ptr> try_connect(std::uint16_t to, const std::string& host = "127.0.0.1") {
    auto promise = std::make_shared<std::promise<expected<caf::strong_actor_ptr>>>();
    auto answer = promise->get_future();
    connect_link(*system_, host, to, completion<caf::strong_actor_ptr>{[promise](expected<caf::strong_actor_ptr> got) {
      promise->set_value(std::move(got));
    }});
    REQUIRE(answer.wait_for(10s) == std::future_status::ready);
    return answer.get();
  }

  caf::actor connect(std::uint16_t to, const std::string& host = "127.0.0.1") {
    auto peer = try_connect(to, host);
    if (!peer)
      FAIL(peer.error().message);
    return caf::actor_cast<caf::actor>(*peer);
  }

  caf::actor_system& system() { return *system_; }

  std::uint16_t port = 0;

private:
  caf::actor_system_config settings_;
  std::unique_ptr<caf::actor_system> system_;
  caf::actor worker_;
};

/// Small and large messages there and back.
bool works(caf::scoped_actor& self, const caf::actor& peer) {
  int answers = 0;
  auto failed = [&](caf::error& error) { MESSAGE(to_string(error)); };
  self->request(peer, 5s, caf::add_atom_v, std::int32_t{41})
    .receive([&](std::int32_t number) { answers += number == 42; }, failed);
  for (std::size_t size : {std::size_t{1}, std::size_t{16384}, std::size_t{300001}, std::size_t{2000000}})
    self->request(peer, 5s, std::string(size, 'x'))
      .receive([&](std::int32_t count) { answers += count == static_cast<std::int32_t>(size); }, failed);
  return answers == 5;
}

/// A TCP connection of somebody who knows nothing of TLS.
class stranger {
public:
  explicit stranger(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  }
  stranger(const stranger&) = delete;
  stranger& operator=(const stranger&) = delete;
  ~stranger() { ::close(socket_); }

  void say(std::string_view text) const {
    CHECK(::send(socket_, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
  }

  /// True once the other side has closed the connection.
  bool is_refused(std::chrono::seconds patience) const {
    timeval limit{patience.count(), 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    char buffer[256];
    for (;;) {
      auto got = ::recv(socket_, buffer, sizeof buffer, 0);
      if (got <= 0)
        return got == 0 || errno == ECONNRESET;
    }
  }

private:
  int socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
};

/// A socket that listens and never accepts; without backlog nothing but the port is taken.
class silent_port {
public:
  explicit silent_port(bool listening) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    if (listening)
      REQUIRE(::listen(socket_, 16) == 0);
    socklen_t size = sizeof address;
    REQUIRE(::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    number = ntohs(address.sin_port);
  }
  silent_port(const silent_port&) = delete;
  silent_port& operator=(const silent_port&) = delete;
  ~silent_port() { ::close(socket_); }

  std::uint16_t number = 0;

private:
  int socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
};

std::chrono::microseconds processor_time() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return std::chrono::seconds{usage.ru_utime.tv_sec + usage.ru_stime.tv_sec} +
         std::chrono::microseconds{usage.ru_utime.tv_usec + usage.ru_stime.tv_usec};
}

} // namespace

TEST_CASE("transport: two nodes of one cluster exchange messages, and have the ids they were given") {
  auto authority = new_authority();
  test_node first{identity_of(authority, 1)};
  test_node second{identity_of(authority, 2)};
  auto peer = second.connect(first.port);
  CHECK(peer->node() == first.system().node());
  CHECK(first.system().node() != second.system().node());
  CHECK(to_string(first.system().node()).starts_with("01010101010101010101010101010101"));
  caf::scoped_actor self{second.system()};
  CHECK(works(self, peer));
  CHECK(second.connect(first.port, "localhost") == peer);
  CHECK(works(self, peer));
}

TEST_CASE("transport: strangers are refused, and the links of the others go on") {
  auto authority = new_authority();
  test_node first{identity_of(authority, 1)};
  test_node second{identity_of(authority, 2)};
  auto peer = second.connect(first.port);
  caf::scoped_actor self{second.system()};
  self->monitor(peer);
  CHECK(works(self, peer));

  SUBCASE("with another protocol") {
    for (int i = 0; i < 10; ++i) {
      stranger someone{first.port};
      someone.say("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
      CHECK(someone.is_refused(5s));
      CHECK(works(self, peer));
    }
  }
  SUBCASE("without a word") {
    std::vector<std::unique_ptr<stranger>> crowd;
    for (int i = 0; i < 80; ++i) // more than are let in at a time
      crowd.push_back(std::make_unique<stranger>(first.port));
    auto before = processor_time();
    CHECK(crowd.front()->is_refused(5s));
    CHECK(processor_time() - before < 300ms); // nobody turned round and round meanwhile
    CHECK(works(self, peer));
    CHECK(crowd.back()->is_refused(10s));
  }
  SUBCASE("who leave in the middle") {
    for (int i = 0; i < 50; ++i)
      stranger{first.port}.say("\x16\x03\x01");
    CHECK(works(self, peer));
  }
  SUBCASE("with a certificate of another authority") {
    test_node other{identity_of(new_authority(), 3)};
    for (int i = 0; i < 10; ++i) {
      auto refused = other.try_connect(first.port);
      REQUIRE_FALSE(refused);
      CHECK(refused.error().code == errc::unavailable);
      CHECK(refused.error().message.find("certificate is refused") != std::string::npos);
      CHECK(works(self, peer));
    }
    CHECK_FALSE(first.try_connect(other.port));
    CHECK(works(self, peer));
  }
  SUBCASE("with another version") {
    test_node other{identity_of(authority, 3), "geartrain-wire-0"};
    auto began = steady::now();
    CHECK_FALSE(other.try_connect(first.port));
    CHECK_FALSE(first.try_connect(other.port));
    CHECK(steady::now() - began < 2s);
    CHECK(works(self, peer));
  }

  self->receive([](caf::down_msg&) { FAIL_CHECK("the good link broke"); }, caf::after(10ms) >> [] {});
  test_node late{identity_of(authority, 4)};
  caf::scoped_actor of_late{late.system()};
  CHECK(works(of_late, late.connect(first.port)));
}

TEST_CASE("transport: the death of a peer is noticed at once, and a new one is reached") {
  auto authority = new_authority();
  test_node first{identity_of(authority, 1)};
  caf::scoped_actor self{first.system()};
  auto second = std::make_unique<test_node>(identity_of(authority, 2));
  auto peer = first.connect(second->port);
  self->monitor(peer);
  CHECK(works(self, peer));
  second.reset();
  bool down = false;
  self->receive([&](caf::down_msg& message) { down = message.source == peer; }, caf::after(1s) >> [] {});
  CHECK(down);
  test_node third{identity_of(authority, 3)};
  CHECK(works(self, first.connect(third.port)));
}

TEST_CASE("transport: an actor that is published in place of another is the one that is found") {
  auto authority = new_authority();
  test_node first{identity_of(authority, 1)};
  test_node second{identity_of(authority, 2)};
  auto old = second.connect(first.port);
  auto next = first.system().spawn<worker>();
  CHECK(first.publish(next) == first.port);
  auto found = second.connect(first.port);
  CHECK(found != old);
  CHECK(found.id() == next.id());
  caf::scoped_actor self{second.system()};
  CHECK(works(self, found));
  CHECK(works(self, old));
  caf::anon_send_exit(next, caf::exit_reason::user_shutdown);
}

TEST_CASE("transport: connecting in vain ends in time") {
  auto authority = new_authority();
  test_node node{identity_of(authority, 1)};
  auto fails = [&](std::uint16_t port, const std::string& host, steady::duration limit) {
    auto began = steady::now();
    auto peer = node.try_connect(port, host);
    CHECK(steady::now() - began < limit);
    REQUIRE_FALSE(peer);
    CHECK_FALSE(peer.error().message.empty());
    return peer.error().code;
  };
  CHECK(fails(silent_port{false}.number, "127.0.0.1", 1s) == errc::unavailable);
  silent_port silent{true};
  CHECK(fails(silent.number, "127.0.0.1", 4s) == errc::timeout);
  fails(1, "no-such-host.invalid", 2s);
  // All at once, and none waits for the others.
  auto began = steady::now();
  std::vector<std::future<expected<caf::strong_actor_ptr>>> all;
  for (int i = 0; i < 8; ++i)
    all.push_back(std::async(std::launch::async, [&] { return node.try_connect(silent.number); }));
  CHECK(node.try_connect(node.port));
  for (auto& one : all)
    CHECK_FALSE(one.get());
  CHECK(steady::now() - began < 5s);
}

TEST_CASE("transport: a node with certificates that no peer would take does not start") {
  auto authority = new_authority();
  auto identity = identity_of(authority, 1);
  identity.authority = new_authority().certificate;
  caf::actor_system_config settings;
  auto configured = configure_transport(settings, identity);
  REQUIRE_FALSE(configured);
  CHECK(configured.error().code == errc::invalid);
}

TEST_CASE("transport: an address that can't be had is a failure") {
  auto authority = new_authority();
  caf::actor_system_config settings;
  REQUIRE(configure_transport(settings, identity_of(authority, 1)));
  caf::actor_system system{settings};
  auto actor = system.spawn<worker>();
  silent_port taken{true};
  auto published = publish_link(system, caf::actor_cast<caf::strong_actor_ptr>(actor), "127.0.0.1", taken.number);
  REQUIRE_FALSE(published);
  CHECK(published.error().code == errc::unavailable);
  CHECK_FALSE(publish_link(system, caf::actor_cast<caf::strong_actor_ptr>(actor), "nowhere", 0));
  CHECK(publish_link(system, caf::actor_cast<caf::strong_actor_ptr>(actor), "127.0.0.1", 0));
  caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
}

} // namespace geartrain
