#pragma once

#include "messages/template.hpp"
#include "workflow/templates/template_fields.hpp"

#include <nlohmann/json.hpp>

#include <vector>

namespace geartrain {

/// Reads the list `publishes_events` of a step into `events`. Gives it as it stands in the canonical document, defaults
/// written out; an empty array if it is absent.
nlohmann::json read_published_events(const template_fields& step, std::vector<published_event>& events);

/// Reads the list `domain_events` of a template; an empty array if it is absent.
nlohmann::json read_domain_events(const template_fields& root);

} // namespace geartrain
