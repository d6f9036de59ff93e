#pragma once

#include "messages/template.hpp"
#include "workflow/templates/template_fields.hpp"

#include <nlohmann/json.hpp>

namespace geartrain {

/// Reads the mapping `retry` of a step; absent keys keep the defaults of retry_policy.
retry_policy read_retry(const template_fields& step);

/// The policy as it stands in the canonical document, defaults written out.
nlohmann::json write_retry(const retry_policy& policy);

/// `timeout_seconds` of a step or of an override: 1 second to 68 years.
std::optional<std::int64_t> read_timeout(const template_fields& step);

} // namespace geartrain
