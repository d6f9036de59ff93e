#include "workflow/identity.hpp"

#include "workflow/canonical_json.hpp"
#include "workflow/strict_json.hpp"

namespace geartrain {

using nlohmann::json;

std::string identity_hash(std::string_view ns, std::string_view name, std::string_view context_json) {
  auto context = parse_strict_json(context_json);
  if (!context)
    return sha256(canonical_json(json::array({"strict_text", ns, name, context_json})));
  return sha256(canonical_json(json::array({"strict", ns, name, std::move(*context)})));
}

std::string identity_hash_of_key(std::string_view ns, std::string_view name, std::string_view key) {
  return sha256(canonical_json(json::array({"caller_provided", ns, name, key})));
}

} // namespace geartrain
