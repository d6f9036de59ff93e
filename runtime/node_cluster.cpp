#include "runtime/node_cluster.hpp"

#include "db/cluster_authority.hpp"
#include "runtime/cluster/certificates.hpp"
#include "runtime/cluster/host_process.hpp"
#include "runtime/cluster/transport.hpp"

#include <caf/all.hpp>
#include <spdlog/spdlog.h>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>

namespace geartrain {

namespace {

// A node that is alone has nobody to be missed by: it beats less often, and is believed for longer.
constexpr int slower_alone = 3;

expected<std::string> read_file(const std::string& path) {
  std::ifstream file{path};
  std::ostringstream text;
  if (!file || !(text << file.rdbuf()))
    return failure{errc::invalid, "can't read " + path};
  return text.str();
}

std::string default_name() {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0)
    host[0] = '\0';
  return std::string{host.data()} + "-" + std::to_string(getpid());
}

/// The certificates of three files.
expected<transport_identity> identity_of_files(const cluster_config& settings) {
  transport_identity identity;
  for (auto [path, text] :
       {std::pair{&settings.certificate, &identity.own.certificate}, std::pair{&settings.key, &identity.own.key},
        std::pair{&settings.authority, &identity.authority}}) {
    auto content = read_file(*path);
    if (!content)
      return content.error();
    *text = std::move(*content);
  }
  return identity;
}

/// A certificate of the authority that the database keeps: who can read the database can be a node.
expected<transport_identity> identity_of_database(const std::string& dsn, const std::string& name) {
  auto authority = load_or_store_authority(dsn, []() -> expected<authority_pem> {
    auto made = make_authority();
    if (!made)
      return made.error();
    return authority_pem{made->certificate, made->key};
  });
  if (!authority)
    return authority.error();
  auto own = issue_certificate({authority->certificate, authority->key}, name);
  if (!own)
    return own.error();
  return transport_identity{{}, std::move(*own), authority->certificate};
}

} // namespace

expected<std::optional<cluster_wiring>> prepare_cluster(const config& settings, caf::actor_system_config& cfg) {
  if (settings.cluster.enabled != "on")
    return std::optional<cluster_wiring>{};
  cluster_wiring wiring;
  auto now = std::chrono::duration_cast<milliseconds>(system_now().time_since_epoch());
  wiring.self.id = make_uuid_v7(now, system_random(), system_random());
  wiring.self.name = settings.cluster.name.empty() ? default_name() : settings.cluster.name;
  wiring.self.process = this_process();
  wiring.beat = settings.cluster.beat;
  wiring.valid_for = settings.cluster.valid_for;
  wiring.beat_alone = wiring.beat * slower_alone;
  wiring.valid_alone = wiring.valid_for + (wiring.beat_alone - wiring.beat) * 2;
  wiring.call_patience = std::max(wiring.valid_for, milliseconds{1000});
  wiring.still_runs = still_runs;
  auto identity = settings.cluster.certificate.empty()
                    ? identity_of_database(settings.database.url, wiring.self.name.substr(0, 64))
                    : identity_of_files(settings.cluster);
  if (!identity)
    return identity.error();
  identity->node = wiring.self.id;
  cfg.add_message_types<caf::id_block::geartrain>();
  if (auto configured = configure_transport(cfg, *identity); !configured)
    return configured.error();
  return std::optional{std::move(wiring)};
}

expected<peer_gate_actor> open_gate(caf::actor_system& system, const std::shared_ptr<engine>& shared,
                                    const config& settings, cluster_wiring wiring) {
  auto at = parse_listen_address(settings.cluster.listen);
  if (!at)
    return failure{errc::invalid, "cluster.listen \"" + settings.cluster.listen + "\" is not an ADDRESS:PORT"};
  auto gate = spawn_peer_gate(system, shared);
  auto port = publish_link(system, caf::actor_cast<caf::strong_actor_ptr>(gate), at->host, at->port);
  if (!port) {
    caf::anon_send_exit(gate, caf::exit_reason::kill);
    return port.error();
  }
  auto host = at->host.find(':') == std::string::npos ? at->host : "[" + at->host + "]";
  wiring.self.address =
    settings.cluster.advertise.empty() ? host + ":" + std::to_string(*port) : settings.cluster.advertise;
  wiring.connect = [&system](const std::string& address, completion<caf::strong_actor_ptr> done) {
    auto to = parse_advertised_address(address);
    if (!to)
      return done(failure{errc::invalid, "\"" + address + "\" is no address of a node"});
    connect_link(system, to->host, to->port, std::move(done));
  };
  spdlog::info("cluster: node {} ({}) takes links at {}", wiring.self.name, to_string(wiring.self.id),
               wiring.self.address);
  shared->cluster = std::move(wiring);
  return gate;
}

} // namespace geartrain
