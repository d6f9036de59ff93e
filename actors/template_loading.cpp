#include "actors/template_loading.hpp"

#include "workflow/templates/template_parser.hpp"

#include <spdlog/spdlog.h>

namespace geartrain {

void load_templates(template_catalog& catalog, const fetch_templates_reply& stored, std::string_view environment) {
  for (auto& row : stored.rows) {
    auto parsed = parse_template(row.document, template_format::json, environment);
    if (auto* definition = std::get_if<task_template>(&parsed)) {
      definition->id = row.id;
      catalog.put(template_snapshot{std::move(*definition)}, row.activation);
    } else {
      spdlog::error("stored template id={} can't be parsed by this version; its tasks stay untouched", row.id);
    }
  }
}

void load_new_templates(template_catalog& catalog, const fetch_templates_reply& stored, std::string_view environment) {
  load_templates(catalog, stored, environment);
  if (!stored.rows.empty())
    catalog.saw_all_up_to(stored.rows.back().activation); // oldest activation first
}

} // namespace geartrain
