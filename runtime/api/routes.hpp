#pragma once

#include "messages/time.hpp"
#include "runtime/api/admission.hpp"
#include "runtime/http/router.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace geartrain {

class db_metrics;
class directory;
class template_catalog;
class token_mint;
struct turn_metrics;

/// What the REST API needs from the node. Everything is shared and thread-safe; handlers run on the server's threads.
struct api_context {
  std::shared_ptr<directory> actors;
  std::shared_ptr<template_catalog> catalog;
  std::shared_ptr<token_mint> mint;
  std::shared_ptr<db_metrics> db;          ///< null: no database figures
  std::shared_ptr<turn_metrics> turns;     ///< null: no figures of turns
  bool refuses_when_full = false;          ///< creations get 503 while open tasks find no room in memory
  std::shared_ptr<admission> gate;         ///< null: one with the default limits
  std::function<bool()> ready;             ///< the node serves; absent: always
  std::function<bool()> draining;          ///< the node is going down: creations and polls get 503; absent: never
  std::function<timestamp()> now;          ///< absent: the system clock
  std::string version = "0.1.0";           ///< shown by the health routes
  std::string environment = "development"; ///< shown by the health routes
  std::string template_environment;        ///< whose overrides of templates apply; empty: none
  std::vector<std::string> cors_origins;   ///< none: CORS is off
  std::size_t max_body_bytes = std::size_t{1} << 20;         ///< of tasks and templates
  std::size_t max_bulk_body_bytes = std::size_t{16} << 20;   ///< of /v1/tasks/bulk
  std::size_t max_worker_body_bytes = std::size_t{32} << 20; ///< of /v1/workers/*
  milliseconds max_requested_delay{3600000};                 ///< cap for Retry-After and backoff_hint
  std::size_t max_queued_units = 8192;                       ///< what the database's queue takes; for its utilisation
  std::function<std::string()> config_json; ///< what GET /config shows, secrets removed; absent: there is no such route
  std::size_t database_connections = 0;     ///< as configured; shown by the health routes
  milliseconds read_deadline{10000};        ///< for questions that go to the database directly
};

/// Adds every route of the REST API.
void add_routes(router& routes, api_context context);

} // namespace geartrain
