#pragma once

#include "runtime/cli/cli_context.hpp"
#include "runtime/config.hpp"

#include <filesystem>

namespace geartrain {

/// Runs a node until it is told to end. `migrate_first`: bring the schema up to date before.
int serve_node(const cli_context& context, const config& settings, bool migrate_first);

/// Runs a node on an embedded PostgreSQL of its own, in `data_dir`.
int serve_dev(const cli_context& context, const config& settings, const std::filesystem::path& data_dir);

/// Brings the schema of the database up to date.
int run_migration(const cli_context& context, const std::string& database_url);

/// Where `geartrain dev` keeps its data if it is not told: /var/lib/geartrain/dev as root (the database then runs as
/// another user, who can't enter root's home), else below the user's data directory.
std::filesystem::path default_data_dir();

} // namespace geartrain
