#include "runtime/config_schema.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <initializer_list>

namespace geartrain {

namespace {

// -- members to values and back --------------------------------------------------

constexpr std::array<std::string_view, 2> switches{"off", "on"};
constexpr std::array<std::string_view, 2> ways_when_full{"wait", "refuse"};
constexpr std::array<std::string_view, 6> levels{"trace", "debug", "info", "warn", "error", "off"};
constexpr std::array<std::string_view, 2> formats{"text", "json"};

config_value to_value(const std::string& member) {
  return member;
}
config_value to_value(const std::vector<std::string>& member) {
  return member;
}
config_value to_value(std::size_t member) {
  return static_cast<std::int64_t>(member);
}
config_value to_value(std::uint32_t member) {
  return static_cast<std::int64_t>(member);
}
config_value to_value(milliseconds member) {
  return static_cast<std::int64_t>(member.count());
}
config_value to_value(std::chrono::seconds member) {
  return static_cast<std::int64_t>(member.count());
}
config_value to_value(std::chrono::days member) {
  return static_cast<std::int64_t>(member.count());
}
config_value to_value(log_format member) {
  return std::string{formats[static_cast<std::size_t>(member)]};
}

void assign(std::string& member, const config_value& value) {
  member = std::get<std::string>(value);
}
void assign(std::vector<std::string>& member, const config_value& value) {
  member = std::get<std::vector<std::string>>(value);
}
void assign(log_format& member, const config_value& value) {
  auto at = std::find(formats.begin(), formats.end(), std::get<std::string>(value));
  member = static_cast<log_format>(at - formats.begin());
}
template <class T>
requires std::is_integral_v<T>
void assign(T& member, const config_value& value) {
  member = static_cast<T>(std::get<std::int64_t>(value));
}
template <class Rep, class Period>
void assign(std::chrono::duration<Rep, Period>& member, const config_value& value) {
  member = std::chrono::duration<Rep, Period>{std::get<std::int64_t>(value)};
}

template <auto Section, auto Member>
config_key key_of(std::string_view path, std::string_view doc) {
  config_key key;
  key.path = path;
  key.doc = doc;
  key.get = [](const config& c) { return to_value((c.*Section).*Member); };
  key.set = [](config& c, const config_value& value) { assign((c.*Section).*Member, value); };
  return key;
}

// -- kinds of rows -----------------------------------------------------------------

template <auto Section, auto Member>
config_key integer(std::string_view path, std::int64_t least, std::int64_t most, std::string_view doc) {
  auto key = key_of<Section, Member>(path, doc);
  key.kind = value_kind::integer;
  key.least = least;
  key.most = most;
  return key;
}

template <auto Section, auto Member>
config_key choice(std::string_view path, std::span<const std::string_view> choices, std::string_view doc) {
  auto key = key_of<Section, Member>(path, doc);
  key.kind = value_kind::choice;
  key.choices = choices;
  return key;
}

config_key with_form(config_key key, bool (*has_form)(std::string_view), std::string_view form) {
  key.has_form = has_form;
  key.form = form;
  return key;
}

config_key with_alias(config_key key, std::string_view flag) {
  key.flag_alias = flag;
  return key;
}

config_key kept_secret(config_key key) {
  key.secret = true;
  return key;
}

config_key as_list(config_key key) {
  key.kind = value_kind::list;
  return key;
}

bool is_listen_address(std::string_view text) {
  return parse_listen_address(text).has_value();
}

// Empty: as the listening address.
bool is_advertised_address(std::string_view text) {
  return text.empty() || parse_advertised_address(text).has_value();
}

// Empty: made of the host's name. The name stands in the node's certificate, which takes no more than 64 characters.
bool is_node_name(std::string_view text) {
  auto allowed = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
  };
  return text.size() <= 64 && std::all_of(text.begin(), text.end(), allowed);
}

// Empty stands for "not set"; whether the database can be reached is seen when the node connects.
bool is_database_url(std::string_view text) {
  return text.empty() || text.starts_with("postgresql://") || text.starts_with("postgres://") ||
         text.find('=') != std::string_view::npos;
}

bool is_origin(std::string_view text) {
  auto scheme = text.find("://");
  return text == "*" || (scheme != std::string_view::npos && scheme > 0 && scheme + 3 < text.size() &&
                         text.find_first_of(" /", scheme + 3) == std::string_view::npos);
}

constexpr std::int64_t mib = 1048576;
constexpr std::int64_t day_ms = 86400000;

constexpr std::array sections{
  config_section{"server", "How the node listens for HTTP."},
  config_section{"database", "The PostgreSQL that holds everything."},
  config_section{"workers", "What workers may hold, and for how long."},
  config_section{"retry", "Delays between the attempts of a step, where its template is silent."},
  config_section{"tasks", "How tasks grow, and which variant of their templates holds here."},
  config_section{"staleness", "When a task counts as stuck, where the lifecycle of its template is silent."},
  config_section{"retention", "What `geartrain retention` removes, and whether it keeps a copy."},
  config_section{"limits",
                 "Bounds of what a node takes on at a time. Over a bound the answer is 503 with Retry-After."},
  config_section{"node", "The inside of the node."},
  config_section{"cluster", "How nodes on one database work together."},
  config_section{"log", "The log, on standard error."},
  config_section{"templates", "Task templates that the node registers by itself."},
};

// -- the table -----------------------------------------------------------------------

std::vector<config_key> server_keys() {
  constexpr auto at = &config::server;
  using s = server_config;
  return {
    with_alias(with_form(key_of<at, &s::listen>("server.listen", "Address and port. Port 0 picks a free port."),
                         is_listen_address, "an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080"),
               "--listen"),
    integer<at, &s::threads>("server.threads", 1, 256, "Threads that serve connections."),
    integer<at, &s::max_connections>("server.max_connections", 1, 1000000,
                                     "Connections open at a time; further ones are answered 503."),
    integer<at, &s::header_limit_bytes>("server.header_limit_bytes", 1024, mib, "Largest head of a request; else 431."),
    integer<at, &s::body_limit_bytes>("server.body_limit_bytes", 1024, 1024 * mib,
                                      "Largest body of a request, but for the next two; else 413."),
    integer<at, &s::bulk_body_limit_bytes>("server.bulk_body_limit_bytes", 1024, 1024 * mib,
                                           "Largest body of a creation of many tasks; else 413."),
    integer<at, &s::worker_body_limit_bytes>("server.worker_body_limit_bytes", 1024, 1024 * mib,
                                             "Largest body of a worker's poll, results or heartbeat; else 413."),
    integer<at, &s::idle_timeout>("server.idle_timeout_ms", 100, day_ms,
                                  "A connection without a request is closed after so long."),
    integer<at, &s::read_timeout>("server.read_timeout_ms", 100, day_ms,
                                  "How long a request may take to arrive, first byte to last; else 408."),
    integer<at, &s::write_timeout>("server.write_timeout_ms", 100, day_ms,
                                   "How long a client may take to accept its answer; else closed."),
    with_form(as_list(key_of<at, &s::cors_origins>("server.cors_origins",
                                                   "Origins whose pages may call the API. Empty: none; \"*\": all.")),
              is_origin, "an origin such as https://example.com, or *"),
    choice<at, &s::config_endpoint>("server.config_endpoint", switches,
                                    "Whether GET /config shows these settings, passwords hidden."),
  };
}

std::vector<config_key> database_keys() {
  constexpr auto at = &config::database;
  using d = database_config;
  return {
    with_form(kept_secret(key_of<at, &d::url>("database.url", "URL, or key=value pairs, as libpq takes them. Needed by "
                                                              "`geartrain node`.")),
              is_database_url, "postgresql://user:password@host:5432/database"),
    with_form(
      kept_secret(key_of<at, &d::listen_url>(
        "database.listen_url", "The same without a connection pooler between, for notifications. Empty: as url.")),
      is_database_url, "postgresql://user:password@host:5432/database"),
    integer<at, &d::connections>("database.connections", 1, 64, "Pipelined connections; 2 to 4 are enough for most."),
    integer<at, &d::max_batch>("database.max_batch", 1, 4096, "Most units of work that share one commit."),
    integer<at, &d::max_queue>("database.max_queue", 1, 1000000, "Most units of work that wait for a connection."),
    integer<at, &d::unit_deadline>("database.unit_deadline_ms", 10, 600000,
                                   "A unit of work that is not done by then fails as unavailable."),
  };
}

std::vector<config_key> worker_keys() {
  return {with_alias(integer<&config::workers, &workers_config::lease>(
                       "workers.lease_ms", 50, day_ms,
                       "How long a worker holds a step without a heartbeat. A heartbeat extends to now + this."),
                     "--lease-ms")};
}

std::vector<config_key> retry_keys() {
  constexpr auto at = &config::retry;
  using r = retry_config;
  return {
    integer<at, &r::base>("retry.base_ms", 1, day_ms, "Unit of the back-off: the n-th failure waits base_ms * 2^n."),
    integer<at, &r::max>("retry.max_ms", 1, day_ms, "Longest computed delay; at least retry.base_ms."),
    integer<at, &r::jitter_percent>("retry.jitter_percent", 0, 100, "Computed delays vary at random by so much."),
    integer<at, &r::max_server_delay>("retry.max_server_delay_seconds", 0, 31536000,
                                      "Longest delay that a Retry-After or a handler may ask for."),
  };
}

std::vector<config_key> task_keys() {
  constexpr auto at = &config::tasks;
  using t = tasks_config;
  return {
    key_of<at, &t::environment>(
      "tasks.environment", "Whose overrides in the templates' `environments` apply, such as production. Empty: none."),
    integer<at, &t::max_steps_per_decision>("tasks.max_steps_per_decision", 1, 65535,
                                            "Most steps that one decision may name."),
    integer<at, &t::max_decision_depth>("tasks.max_decision_depth", 1, 1000, "Most decisions below each other."),
    integer<at, &t::inbox_interval>("tasks.inbox_interval_ms", 50, day_ms,
                                    "How often creations from SQL are looked for when no notification comes."),
  };
}

std::vector<config_key> staleness_keys() {
  constexpr auto at = &config::staleness;
  constexpr std::int64_t year = 31536000;
  using s = staleness_config;
  return {
    integer<at, &s::interval>("staleness.interval_ms", 100, day_ms, "How often overdue tasks are looked for."),
    integer<at, &s::waiting_for_dependencies>(
      "staleness.waiting_for_dependencies_seconds", 0, year,
      "A task that waits for so long without a step to run is stuck. 0: never."),
    integer<at, &s::waiting_for_retry>("staleness.waiting_for_retry_seconds", 0, year,
                                       "A task whose retry is overdue by so much is stuck. 0: never."),
    integer<at, &s::steps_in_process>("staleness.steps_in_process_seconds", 0, year,
                                      "A task whose steps no worker takes for so long is stuck. 0: never."),
    integer<at, &s::max_duration>("staleness.max_duration_seconds", 0, year,
                                  "A task that is open for so long is stuck. 0: never."),
  };
}

std::vector<config_key> retention_keys() {
  constexpr auto at = &config::retention;
  using r = retention_config;
  return {
    integer<at, &r::keep>("retention.keep_days", 0, 36500, "How long finished tasks stay, counted from their end."),
    key_of<at, &r::archive_directory>(
      "retention.archive_directory",
      "Where tasks are written before they leave, as gzipped JSON lines, a file per week of creation. Empty: nowhere."),
  };
}

std::vector<config_key> limit_keys() {
  constexpr auto at = &config::limits;
  using l = limits_config;
  return {
    integer<at, &l::resident_tasks>("limits.resident_tasks", 1, 100000000, "Tasks held in memory."),
    choice<at, &l::when_full>("limits.when_full", ways_when_full,
                              "When as many are: whether new tasks wait in the database for room, or are refused."),
    integer<at, &l::in_flight_creations>("limits.in_flight_creations", 1, 1000000, "Task creations under way."),
    integer<at, &l::in_flight_reports>("limits.in_flight_reports", 1, 1000000, "Results of workers under way."),
    integer<at, &l::in_flight_reads>("limits.in_flight_reads", 1, 1000000, "Reads, lists and heartbeats under way."),
    integer<at, &l::waiting_polls>("limits.waiting_polls", 1, 1000000, "Polls of workers, waiting ones included."),
    integer<at, &l::waiting_reads>("limits.waiting_reads", 1, 1000000,
                                   "Reads that wait for the end of a task; over the bound they don't wait."),
  };
}

std::vector<config_key> node_keys() {
  return {
    integer<&config::node, &node_settings::shards>("node.shards", 1, 256,
                                                   "Actors per role among which tasks are spread."),
    integer<&config::node, &node_settings::threads>("node.threads", 0, 1024,
                                                    "Threads that run actors; 0: one per processor."),
    integer<&config::node, &node_settings::drain_timeout>(
      "node.drain_timeout_ms", 0, 3600000,
      "At shutdown, how long open work may take to finish. Nothing is lost after."),
  };
}

std::vector<config_key> cluster_keys() {
  constexpr auto at = &config::cluster;
  using c = cluster_config;
  return {
    choice<at, &c::enabled>("cluster.enabled", switches,
                            "Whether this node shares the work with others, and talks to them."),
    with_form(
      key_of<at, &c::listen>("cluster.listen", "Where other nodes connect, over TLS. Port 0 picks a free port."),
      is_listen_address, "an IP address and a port, such as 127.0.0.1:0 or [::1]:7070"),
    with_form(key_of<at, &c::advertise>("cluster.advertise", "What other nodes connect to, if not what listen says."),
              is_advertised_address, "HOST:PORT, such as node-1.internal:7070, or nothing"),
    with_form(key_of<at, &c::name>("cluster.name", "The node's name, for people. Empty: host name and process id."),
              is_node_name, "up to 64 letters, digits, '-', '_' and '.'"),
    integer<at, &c::beat>("cluster.beat_ms", 50, 60000, "How often the node tells the database that it lives."),
    integer<at, &c::valid_for>("cluster.valid_for_ms", 200, 600000,
                               "A node that is silent for so long loses its tasks to others; at least two beats."),
    integer<at, &c::leave_delay>("cluster.leave_delay_ms", 0, 600000,
                                 "How long a stopping node with peers still serves, for load balancers to notice."),
    key_of<at, &c::certificate>("cluster.certificate",
                                "File (PEM) with the certificate for links, and its chain. Empty: the "
                                "node makes its own; set all three or none."),
    key_of<at, &c::key>("cluster.key", "File (PEM) with the private key of that certificate, not encrypted."),
    key_of<at, &c::authority>("cluster.authority",
                              "File (PEM) with the authority that signs the nodes' certificates, and nobody else's."),
  };
}

std::vector<config_key> other_keys() {
  return {
    choice<&config::log, &log_config::level>("log.level", levels, "The least severe messages that are logged."),
    choice<&config::log, &log_config::format>("log.format", formats, "Lines for people, or one JSON object a line."),
    with_alias(key_of<&config::templates, &templates_config::directory>(
                 "templates.directory", "Directory of templates (*.yaml, *.yml, *.json) to register at start. Empty: "
                                        "none."),
               "--templates"),
  };
}

std::vector<config_key> make_keys() {
  std::vector<config_key> all;
  for (auto& part : {server_keys(), database_keys(), worker_keys(), retry_keys(), task_keys(), staleness_keys(),
                     retention_keys(), limit_keys(), node_keys(), cluster_keys(), other_keys()})
    all.insert(all.end(), part.begin(), part.end());
  return all;
}

} // namespace

std::span<const config_section> config_sections() {
  return sections;
}

std::span<const config_key> config_keys() {
  static const std::vector<config_key> keys = make_keys();
  return keys;
}

const config_key* find_config_key(std::string_view path) {
  auto keys = config_keys();
  auto at = std::find_if(keys.begin(), keys.end(), [&](const config_key& key) { return key.path == path; });
  return at == keys.end() ? nullptr : &*at;
}

std::string environment_name(const config_key& key) {
  std::string name = "GEARTRAIN_";
  for (char c : key.path)
    name += c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

std::string flag_name(const config_key& key) {
  std::string name = "--";
  for (char c : key.path)
    name += c == '.' || c == '_' ? '-' : c;
  return name;
}

} // namespace geartrain
