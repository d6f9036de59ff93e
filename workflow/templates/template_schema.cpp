#include "workflow/templates/template_schema.hpp"

#include "workflow/canonical_json.hpp"
#include "workflow/templates/context_validator.hpp"

#include <charconv>

namespace geartrain {

namespace {

struct place {
  std::string path;
  std::optional<int> line;
};

std::string unescape(std::string_view token) {
  std::string out;
  for (std::size_t i = 0; i < token.size(); ++i) {
    if (token[i] == '~' && i + 1 < token.size())
      out += token[++i] == '1' ? '/' : '~';
    else
      out += token[i];
  }
  return out;
}

/// The item of a list or the member of a mapping that a token of a JSON pointer means.
const document_node* step_into(const document_node& node, const std::string& token) {
  const auto* items = node.as<document_node::sequence>();
  if (!items)
    return node.find(token);
  std::size_t index = 0;
  std::from_chars(token.data(), token.data() + token.size(), index);
  return index < items->size() ? &(*items)[index] : nullptr;
}

/// Follows a JSON pointer through the document.
place locate(const document_node& root, std::string path, std::string_view pointer) {
  const auto* node = &root;
  while (!pointer.empty()) {
    pointer.remove_prefix(1);
    auto token = unescape(pointer.substr(0, pointer.find('/')));
    pointer.remove_prefix(std::min(pointer.find('/'), pointer.size()));
    const auto* next = step_into(*node, token);
    if (!next)
      break;
    path += node->as<document_node::sequence>() ? "[" + token + "]" : "." + token;
    node = next;
  }
  return {std::move(path), node->line};
}

} // namespace

std::optional<nlohmann::json> read_schema(const template_fields& fields, std::string_view key) {
  auto schema = fields.mapping(key);
  if (!schema)
    return std::nullopt;
  auto value = to_json(schema->node());
  auto compiled = context_validator::compile(json_text(canonical_json(value)));
  const auto* wrong = std::get_if<problems>(&compiled);
  if (!wrong)
    return value;
  for (const auto& one : *wrong) {
    auto where = locate(schema->node(), schema->path(), one.path);
    fields.found().push_back({std::move(where.path), where.line, one.message});
  }
  return std::nullopt;
}

} // namespace geartrain
