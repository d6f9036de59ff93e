#pragma once

#include "workflow/template_fields.hpp"

#include <nlohmann/json.hpp>

namespace geartrain {

/// Reads the list `publishes_events` of a step, defaults written out; an empty array if it is absent.
nlohmann::json read_published_events(const template_fields& step);

/// Reads the list `domain_events` of a template; an empty array if it is absent.
nlohmann::json read_domain_events(const template_fields& root);

} // namespace geartrain
