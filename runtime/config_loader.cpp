#include "runtime/config_loader.hpp"

#include "runtime/config_file.hpp"
#include "runtime/config_schema.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <array>

namespace geartrain {

namespace {

/// Collects the values of one source after another; each overwrites what the earlier ones said.
class collector {
public:
  collector() {
    for (const auto& key : config_keys())
      loaded_.origins.emplace(key.path, "default");
  }

  void take_text(const config_key& key, std::string_view text, const std::string& origin) {
    auto value = parse_config_value(key, text);
    if (auto complaint = std::get_if<std::string>(&value))
      problems_.push_back(fmt::format("{} ({}): {}", origin, key.path, *complaint));
    else
      take(key, std::get<config_value>(value), origin);
  }

  void take_file(const std::filesystem::path& path) {
    auto entries = read_config_file(path);
    for (auto& problem : entries.problems)
      problems_.push_back(std::move(problem));
    for (auto& entry : entries.values)
      take(*entry.key, entry.value, fmt::format("{}:{}", path.filename().string(), entry.line));
  }

  void take_environment(const std::map<std::string, std::string>& variables) {
    for (const auto& key : config_keys()) {
      auto name = environment_name(key);
      if (auto at = variables.find(name); at != variables.end())
        take_text(key, at->second, name);
    }
    for (const auto& [name, value] : variables)
      warn_if_near_miss(name);
  }

  void take_flags(const std::map<std::string, std::string>& flags) {
    for (const auto& [path, text] : flags)
      if (auto key = find_config_key(path))
        take_text(*key, text, flag_name(*key));
  }

  std::variant<loaded_config, config_problems> finish() && {
    if (problems_.empty())
      check_pairs();
    if (!problems_.empty())
      return std::move(problems_);
    return std::move(loaded_);
  }

private:
  void take(const config_key& key, const config_value& value, const std::string& origin) {
    key.set(loaded_.settings, value);
    loaded_.origins[std::string{key.path}] = origin;
  }

  // Only a warning: orchestrators set variables such as GEARTRAIN_SERVER_PORT on their own account.
  void warn_if_near_miss(const std::string& name) {
    auto same_name = [&](const config_key& key) { return environment_name(key) == name; };
    auto keys = config_keys();
    if (std::any_of(keys.begin(), keys.end(), same_name))
      return;
    for (const auto& section : config_sections()) {
      std::string prefix = "GEARTRAIN_";
      for (char c : section.name)
        prefix += static_cast<char>(c - 'a' + 'A');
      if (name.starts_with(prefix + "_")) {
        loaded_.warnings.push_back(fmt::format("the variable {} sets nothing: there is no such key", name));
        return;
      }
    }
  }

  const std::string& origin(std::string_view path) const { return loaded_.origins.find(std::string{path})->second; }

  void check_pairs() {
    check_delays();
    check_cluster();
  }

  void check_cluster() {
    const auto& cluster = loaded_.settings.cluster;
    if (cluster.valid_for < 2 * cluster.beat)
      problems_.push_back(fmt::format(
        "{} (cluster.valid_for_ms): {} is less than two beats of cluster.beat_ms, which is {} ({}); raise "
        "the one or lower the other",
        origin("cluster.valid_for_ms"), cluster.valid_for.count(), cluster.beat.count(), origin("cluster.beat_ms")));
    constexpr std::array paths{"cluster.certificate", "cluster.key", "cluster.authority"};
    auto is_empty = [&](const char* path) {
      return std::get<std::string>(find_config_key(path)->get(loaded_.settings)).empty();
    };
    auto given = std::find_if_not(paths.begin(), paths.end(), is_empty);
    auto missing = std::find_if(paths.begin(), paths.end(), is_empty);
    if (given != paths.end() && missing != paths.end())
      problems_.push_back(fmt::format("{} ({}): set, but {} is not; set cluster.certificate, cluster.key and "
                                      "cluster.authority, or none of them",
                                      origin(*given), *given, *missing));
  }

  void check_delays() {
    const auto& retry = loaded_.settings.retry;
    if (retry.max < retry.base)
      problems_.push_back(fmt::format(
        "{} (retry.max_ms): {} is less than retry.base_ms, which is {} ({}); raise the one or lower the other",
        origin("retry.max_ms"), retry.max.count(), retry.base.count(), origin("retry.base_ms")));
  }

  loaded_config loaded_;
  config_problems problems_;
};

} // namespace

std::variant<loaded_config, config_problems> load_config(const config_sources& sources) {
  collector all;
  if (sources.file)
    all.take_file(*sources.file);
  all.take_environment(sources.environment);
  all.take_flags(sources.flags);
  return std::move(all).finish();
}

std::map<std::string, std::string> process_environment() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    std::string_view text{*entry};
    auto equals = text.find('=');
    if (text.starts_with("GEARTRAIN_") && equals != std::string_view::npos)
      variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

} // namespace geartrain
