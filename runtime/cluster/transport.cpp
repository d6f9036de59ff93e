#include "runtime/cluster/transport.hpp"

#include "messages/actor_base.hpp"
#include "runtime/cluster/handshakes.hpp"
#include "runtime/cluster/node_identity.hpp"
#include "runtime/cluster/tls_scribe.hpp"

#include <caf/io/all.hpp>
#include <caf/io/basp_broker.hpp>

#include <mutex>
#include <optional>
#include <set>

namespace geartrain {

namespace {

constexpr std::chrono::milliseconds heartbeat_interval{500};
constexpr std::chrono::seconds silence_limit{3};
constexpr std::chrono::seconds greeting_limit{3};

using interface_names = std::set<std::string>;

/// Under which CAF keeps the one actor that a node publishes. The true port would do as well, but is not known yet when
/// the first peer may be there.
constexpr std::uint16_t published_port = 1;

/// Hands one connection over to CAF, waits until both sides know each other, and ends.
class link_opener : public actor_base<caf::event_based_actor> {
public:
  link_opener(caf::actor_config& config, caf::actor broker, caf::io::scribe_ptr connection, std::uint16_t port,
              completion<caf::strong_actor_ptr> answer)
    : actor_base(config),
      broker_(std::move(broker)),
      connection_(std::move(connection)),
      port_(port),
      done_(std::move(answer)) {}

  const char* name() const override { return "link_opener"; }

  void on_exit() override {
    broker_ = nullptr;
    done_ = {};
  }

protected:
  caf::behavior make_behavior() override {
    request(broker_, greeting_limit, caf::connect_atom_v, std::move(connection_), port_)
      .then([this](const caf::node_id&, const caf::strong_actor_ptr& peer, const interface_names&) { settle(peer); },
            [this](caf::error& error) {
              done_(
                failure{error == caf::sec::request_timeout ? errc::timeout : errc::unavailable,
                        "the peer broke the connection off, or speaks another version: " + to_failure(error).message});
            });
    return {};
  }

private:
  void settle(const caf::strong_actor_ptr& peer) {
    if (peer)
      done_(peer);
    else
      done_(failure{errc::unavailable, "the peer has nothing to talk to yet"});
  }

  caf::actor broker_;
  caf::io::scribe_ptr connection_;
  std::uint16_t port_;
  completion<caf::strong_actor_ptr> done_;
};

/// Part of an actor system: starts after CAF's network and all other threads of it, and stops before them, when no actor
/// is left that could call.
class transport : public node_identity {
public:
  transport(caf::actor_system& system, const node_id& id, tls_context tls)
    : node_identity(system, id), tls_(std::move(tls)) {}

  void start() override {
    // The broker that speaks CAF's protocol; the middleman has made it.
    broker_ = system_.middleman().named_broker<caf::io::basp_broker>(caf::atom("BASP"));
    handshakes_ = std::make_unique<handshakes>(tls_);
  }

  void stop() override {
    handshakes_.reset();
    published_ = nullptr;
    broker_ = nullptr;
  }

  expected<std::uint16_t> publish(const caf::strong_actor_ptr& actor, const std::string& address, std::uint16_t port) {
    if (!handshakes_)
      return failure{errc::stopping, "the node is stopping"};
    std::lock_guard guard{mutex_};
    published_ = actor;
    if (!port_) {
      auto bound = handshakes_->listen(address, port, [this](tls_connection from) { receive(std::move(from)); });
      if (!bound)
        return bound;
      port_ = *bound;
    }
    return *port_;
  }

  void connect(const std::string& host, std::uint16_t port, completion<caf::strong_actor_ptr> done) {
    if (!handshakes_)
      return done(failure{errc::stopping, "the node is stopping"});
    handshakes_->connect(host, port, [this, port, done = std::move(done)](expected<tls_connection> connection) {
      if (connection)
        system_.spawn<link_opener>(broker_, make_tls_scribe(system_, std::move(*connection)), port, done);
      else
        done(connection.error());
    });
  }

private:
  /// On the thread of the handshakes.
  void receive(tls_connection connection) {
    auto scribe = make_tls_scribe(system_, std::move(connection));
    std::unique_lock guard{mutex_};
    auto actor = published_;
    guard.unlock();
    caf::anon_send(broker_, caf::publish_atom_v, std::move(scribe), published_port, std::move(actor),
                   interface_names{});
  }

  tls_context tls_;
  caf::actor broker_;
  std::unique_ptr<handshakes> handshakes_; ///< null: not running
  std::mutex mutex_;
  caf::strong_actor_ptr published_;   ///< guarded by the mutex
  std::optional<std::uint16_t> port_; ///< guarded by the mutex
};

transport& transport_of(caf::actor_system& system) {
  return static_cast<transport&>(system.network_manager());
}

} // namespace

expected<bool> configure_transport(caf::actor_system_config& settings, const transport_identity& identity) {
  auto tls = make_tls_context(identity.own, identity.authority);
  if (!tls)
    return tls.error();
  settings.load<caf::io::middleman>();
  settings.set("middleman.heartbeat-interval", caf::timespan{heartbeat_interval});
  settings.set("middleman.connection-timeout", caf::timespan{silence_limit});
  settings.set("middleman.workers", std::size_t{1});
  settings.set("middleman.app-identifiers", std::vector<std::string>{"geartrain-wire-" + std::to_string(wire_version)});
  auto make = [id = identity.node, context = *tls](caf::actor_system& system) -> caf::actor_system::module* {
    return new transport(system, id, context); // the system takes it
  };
  settings.module_factories.emplace_back(make);
  return true;
}

expected<std::uint16_t> publish_link(caf::actor_system& system, const caf::strong_actor_ptr& actor,
                                     const std::string& address, std::uint16_t port) {
  return transport_of(system).publish(actor, address, port);
}

void connect_link(caf::actor_system& system, const std::string& host, std::uint16_t port,
                  completion<caf::strong_actor_ptr> done) {
  transport_of(system).connect(host, port, std::move(done));
}

} // namespace geartrain
