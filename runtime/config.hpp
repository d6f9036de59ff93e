#pragma once

#include "messages/time.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// The settings of a node, as plain values. Where they come from: runtime/config_loader.hpp. What each key is called, may
// hold and means: runtime/config_schema.cpp. A member and its key have the same name, but a duration's key ends in its unit.

namespace geartrain {

struct server_config {
  std::string listen = "127.0.0.1:8080"; ///< what parse_listen_address() takes; port 0 picks a free one
  std::size_t threads = 2;
  std::size_t max_connections = 8192;
  std::size_t header_limit_bytes = 16384;
  std::size_t body_limit_bytes = 1048576;
  std::size_t bulk_body_limit_bytes = 16777216;
  std::size_t worker_body_limit_bytes = 33554432;
  milliseconds idle_timeout{75000};
  milliseconds read_timeout{30000};
  milliseconds write_timeout{30000};
  std::vector<std::string> cors_origins; ///< empty: CORS is off
  std::string config_endpoint = "off";   ///< off, on: GET /config shows the settings
};

struct database_config {
  std::string url;        ///< URL or key=value form of libpq; may hold a password
  std::string listen_url; ///< the same without a pooler between; empty: url
  std::size_t connections = 2;
  std::size_t max_batch = 512;
  std::size_t max_queue = 8192;
  milliseconds unit_deadline{10000};
};

struct workers_config {
  milliseconds lease{30000};
};

/// For steps whose template is silent, and for the delays that servers ask for.
struct retry_config {
  milliseconds base{1000};
  milliseconds max{30000};
  std::uint32_t jitter_percent = 15;
  std::chrono::seconds max_server_delay{3600};
};

/// How tasks grow, and which variant of their templates holds here.
struct tasks_config {
  std::string environment; ///< whose overrides of templates apply; empty: none
  std::uint32_t max_steps_per_decision = 100;
  std::uint32_t max_decision_depth = 20;
  milliseconds inbox_interval{5000};
};

/// When a task counts as stuck, where its template is silent; zero: never.
struct staleness_config {
  milliseconds interval{3000};
  std::chrono::seconds waiting_for_dependencies{3600};
  std::chrono::seconds waiting_for_retry{1800};
  std::chrono::seconds steps_in_process{1800};
  std::chrono::seconds max_duration{0};
};

/// What `geartrain retention` does.
struct retention_config {
  std::chrono::days keep{30};
  std::string archive_directory; ///< empty: what leaves is not archived
};

struct limits_config {
  std::size_t resident_tasks = 100000;
  std::string when_full = "wait"; ///< wait, refuse
  std::size_t in_flight_creations = 2048;
  std::size_t in_flight_reports = 16384;
  std::size_t in_flight_reads = 2048;
  std::size_t waiting_polls = 16384;
  std::size_t waiting_reads = 16384;
};

struct node_settings {
  std::size_t shards = 8;
  std::size_t threads = 0; ///< of the actor scheduler; 0: one per processor
  milliseconds drain_timeout{15000};
};

/// How nodes on one database work together.
struct cluster_config {
  std::string enabled = "on";         ///< off, on
  std::string listen = "127.0.0.1:0"; ///< for links of other nodes; what parse_listen_address() takes
  std::string advertise; ///< where others reach that, what parse_advertised_address() takes; empty: as listen
  std::string name;      ///< for people; empty: host name and process id
  milliseconds beat{1000};
  milliseconds valid_for{3500}; ///< at least two beats
  milliseconds leave_delay{0};
  std::string certificate; ///< files with PEM; all three or none
  std::string key;
  std::string authority;
};

enum class log_format : std::uint8_t { text, json };

struct log_config {
  std::string level = "info"; ///< trace, debug, info, warn, error, off
  log_format format = log_format::text;
};

struct templates_config {
  std::string directory; ///< its *.yaml, *.yml and *.json are registered at start; empty: none
};

/// Everything that a node needs to know. A plain value, checked when it was loaded.
struct config {
  server_config server;
  database_config database;
  workers_config workers;
  retry_config retry;
  tasks_config tasks;
  staleness_config staleness;
  retention_config retention;
  limits_config limits;
  node_settings node;
  cluster_config cluster;
  log_config log;
  templates_config templates;
};

/// A database URL or key=value string with its password replaced by "***"; anything else comes back unchanged.
std::string redact_database_url(std::string_view url);

struct listen_address {
  std::string host; ///< an IP address, v4 or v6, without brackets
  std::uint16_t port = 0;
};

/// Splits "v4:port", "[v6]:port" or "localhost:port"; nothing if the text is none of these.
std::optional<listen_address> parse_listen_address(std::string_view text);

/// Where something can be reached from elsewhere.
struct advertised_address {
  std::string host; ///< an IP address without brackets, or a name
  std::uint16_t port = 0;
};

/// Splits "v4:port", "[v6]:port" or "name:port", with a port that isn't 0; nothing if the text is none of these.
std::optional<advertised_address> parse_advertised_address(std::string_view text);

} // namespace geartrain
