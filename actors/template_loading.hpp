#pragma once

#include "actors/template_catalog.hpp"
#include "messages/storage.hpp"

namespace geartrain {

/// Puts stored revisions into the catalog. Rows that this build can't parse (written by a newer one) are logged and
/// left out. The overrides of `environment` are applied. Thread-safe.
void load_templates(template_catalog& catalog, const fetch_templates_reply& stored, std::string_view environment);

/// The same for the answer to a question for all revisions since the catalog's last_activation().
void load_new_templates(template_catalog& catalog, const fetch_templates_reply& stored, std::string_view environment);

} // namespace geartrain
