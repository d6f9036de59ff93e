#include "workflow/templates/template_events.hpp"

#include "workflow/templates/template_schema.hpp"

#include <algorithm>
#include <array>

namespace geartrain {

namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 5> conditions{"success", "failure", "retryable_failure", "permanent_failure",
                                                     "always"};
constexpr std::array<std::string_view, 3> delivery_modes{"durable", "fast", "broadcast"};

bool is_event_name(std::string_view name) {
  auto part_is_good = [](std::string_view part) {
    return !part.empty() && std::all_of(part.begin(), part.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    });
  };
  while (name.find('.') != std::string_view::npos) {
    if (!part_is_good(name.substr(0, name.find('.'))))
      return false;
    name.remove_prefix(name.find('.') + 1);
  }
  return part_is_good(name);
}

std::string read_name(const template_fields& event) {
  auto name = event.required_text("name", "what the event is called, such as order.shipped", 255);
  if (!name.empty() && !is_event_name(name))
    event.report("name", *event.find("name"),
                 "must be made of lower-case letters, digits and _, in parts with dots between, such as order.shipped");
  return name;
}

} // namespace

json read_published_events(const template_fields& step, std::vector<published_event>& events) {
  auto out = json::array();
  const auto* items = step.list("publishes_events");
  for (std::size_t i = 0; items && i < items->size(); ++i) {
    auto event = step.item("publishes_events", i, (*items)[i]);
    if (!event)
      continue;
    json entry{{"name", read_name(*event)},
               {"description", event->required_text("description", "when the event happens", 1024)}};
    auto condition = event->choice("condition", conditions).value_or(0);
    auto delivery = event->choice("delivery_mode", delivery_modes).value_or(0);
    entry["condition"] = conditions[condition];
    entry["delivery_mode"] = delivery_modes[delivery];
    // The modes are numbered from 1.
    events.push_back(
      {entry["name"], static_cast<event_condition>(condition), static_cast<delivery_mode>(delivery + 1)});
    if (event->require("schema", "a JSON Schema of the payload"))
      entry["schema"] = read_schema(*event, "schema").value_or(json::object());
    if (auto publisher = event->text("publisher", 255))
      entry["publisher"] = *publisher;
    out.push_back(std::move(entry));
  }
  return out;
}

json read_domain_events(const template_fields& root) {
  auto out = json::array();
  const auto* items = root.list("domain_events");
  for (std::size_t i = 0; items && i < items->size(); ++i) {
    auto event = root.item("domain_events", i, (*items)[i]);
    if (!event)
      continue;
    json entry{{"name", read_name(*event)}};
    if (auto description = event->free_text("description"); !description.empty())
      entry["description"] = std::move(description);
    if (auto schema = read_schema(*event, "schema"))
      entry["schema"] = std::move(*schema);
    out.push_back(std::move(entry));
  }
  return out;
}

} // namespace geartrain
