#include "runtime/config_json.hpp"

#include "runtime/config_schema.hpp"

#include <nlohmann/json.hpp>

namespace geartrain {

std::string config_as_json(const config& settings) {
  auto out = nlohmann::json::object();
  for (auto& key : config_keys()) {
    auto value = key.get(settings);
    auto& slot = out[std::string{key.section()}][std::string{key.name()}];
    if (key.secret)
      slot = show_config_value(key, value);
    else
      std::visit([&](const auto& plain) { slot = plain; }, value);
  }
  return out.dump();
}

} // namespace geartrain
