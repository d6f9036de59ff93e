#include "workflow/templates/template_document.hpp"

#include "workflow/strict_json.hpp"
#include "workflow/templates/yaml_document.hpp"

#include <array>

namespace geartrain {

namespace {

using nlohmann::json;

document_node from_json(const json& value) {
  document_node node;
  switch (value.type()) {
    case json::value_t::object: {
      auto& members = node.value.emplace<document_node::mapping>();
      members.reserve(value.size());
      for (const auto& [key, member] : value.items())
        members.push_back({key, from_json(member)});
      break;
    }
    case json::value_t::array: {
      auto& items = node.value.emplace<document_node::sequence>();
      items.reserve(value.size());
      for (const auto& item : value)
        items.push_back(from_json(item));
      break;
    }
    case json::value_t::string:
      node.value = value.get<std::string>();
      break;
    case json::value_t::boolean:
      node.value = value.get<bool>();
      break;
    case json::value_t::number_integer:
      node.value = value.get<std::int64_t>();
      break;
    case json::value_t::number_unsigned:
      // One integer, one type: what fits is signed, however it was spelt.
      if (auto number = value.get<std::uint64_t>(); number > static_cast<std::uint64_t>(INT64_MAX))
        node.value = number;
      else
        node.value = static_cast<std::int64_t>(number);
      break;
    case json::value_t::number_float:
      node.value = value.get<double>();
      break;
    default:
      break;
  }
  return node;
}

std::variant<document_node, problems> read_json(std::string_view text) {
  auto value = parse_strict_json(text, {.max_depth = max_document_depth, .canonical_integers = true});
  if (!value)
    return problems{{"", std::nullopt, "the text is not valid JSON: " + value.error().message + "; correct it there"}};
  return from_json(*value);
}

} // namespace

const document_node* document_node::find(std::string_view key) const {
  if (const auto* members = as<mapping>())
    for (const auto& member : *members)
      if (member.key == key)
        return &member.value;
  return nullptr;
}

std::variant<document_node, problems> read_document(std::string_view text, template_format format) {
  return format == template_format::json ? read_json(text) : read_yaml(text);
}

json to_json(const document_node& node) {
  return std::visit(
    []<class T>(const T& value) -> json {
      if constexpr (std::is_same_v<T, document_node::sequence>) {
        auto out = json::array();
        for (const auto& item : value)
          out.push_back(to_json(item));
        return out;
      } else if constexpr (std::is_same_v<T, document_node::mapping>) {
        auto out = json::object();
        for (const auto& member : value)
          out[member.key] = to_json(member.value);
        return out;
      } else {
        return value;
      }
    },
    node.value);
}

std::string_view describe_type(const document_node& node) {
  static constexpr std::array<std::string_view, 8> names{
    "nothing", "true or false", "a whole number", "a whole number", "a number", "a string", "a list", "a mapping"};
  return names[node.value.index()];
}

} // namespace geartrain
