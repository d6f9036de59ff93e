#include "workflow/templates/schema_plan.hpp"

#include "workflow/templates/schema_reader.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace geartrain {

namespace {

using nlohmann::json;

// valijson recurses: once per schema that looks at a value to check it (4 MB of stack at these bounds and 64 levels of
// values), once per level of schemas to compile it (see run_on_large_stack).
constexpr std::size_t max_stacked_schemas = 32;
constexpr std::uint64_t max_checks_of_one_value = 10'000;
constexpr std::size_t max_total_nesting = 1000;

/// What all schemas that look at one value amount to.
struct stack_cost {
  std::size_t height = 1;
  std::uint64_t checks = 1;
};

/// Finds schemas that refer to themselves on the same value (endless recursion) or pile up beyond the bounds.
class stack_check {
public:
  stack_check(const std::vector<subschema>& nodes, problems& found)
    : nodes_(nodes), found_(found), costs_(nodes.size()), on_path_(nodes.size(), false) {}

  void run() {
    for (std::size_t id = 0; id < nodes_.size() && !stopped_; ++id)
      measure(id, 1);
  }

private:
  stack_cost measure(std::size_t id, std::size_t depth) {
    if (costs_[id])
      return *costs_[id];
    if (on_path_[id])
      return stop(id, "refers to itself without going deeper into the value, which would never end; remove the circle");
    if (depth > max_stacked_schemas)
      return stop(id, too_many());
    on_path_[id] = true;
    stack_cost cost;
    for (auto child : nodes_[id].in_place) {
      auto part = measure(child, depth + 1);
      cost.height = std::max(cost.height, part.height + 1);
      cost.checks += part.checks;
      if (stopped_)
        break;
    }
    on_path_[id] = false;
    if (!stopped_ && (cost.height > max_stacked_schemas || cost.checks > max_checks_of_one_value))
      return stop(id, too_many());
    costs_[id] = cost;
    return cost;
  }

  static std::string too_many() {
    return "makes one value be checked against too many schemas; use fewer $ref, allOf, anyOf, oneOf, not and if inside "
           "each other";
  }

  stack_cost stop(std::size_t id, std::string why) {
    if (!stopped_)
      found_.push_back({nodes_[id].pointer, std::nullopt, std::move(why)});
    stopped_ = true;
    return {};
  }

  const std::vector<subschema>& nodes_;
  problems& found_;
  std::vector<std::optional<stack_cost>> costs_;
  std::vector<bool> on_path_;
  bool stopped_ = false;
};

/// Writes the structure out of the subschemas.
class structure_writer {
public:
  structure_writer(const schema_reader& reader, schema_plan& plan) : reader_(reader), plan_(plan) {}

  void write() {
    plan_.structure = write_node(0);
    auto definitions = json::object();
    while (!wanted_.empty()) {
      auto id = *wanted_.begin();
      wanted_.erase(wanted_.begin());
      written_.insert(id);
      definitions[std::to_string(id)] = write_node(id);
    }
    plan_.structure["definitions"] = std::move(definitions);
  }

private:
  json write_node(std::size_t id) {
    const auto& node = reader_.nodes()[id];
    const auto& source = *node.source;
    if (source.is_boolean())
      return source.get<bool>() ? json::object() : forbid("is not allowed here; remove it");
    if (node.target) {
      if (!written_.contains(*node.target))
        wanted_.insert(*node.target);
      return {{"$ref", "#/definitions/" + std::to_string(*node.target)}};
    }
    json out = json::object();
    if (!node.rules.empty())
      out = refer_to(node.rules);
    for (const auto& [keyword, value] : source.items())
      write_keyword(out, keyword, value, pointer_to(node.pointer, keyword));
    return out;
  }

  void write_keyword(json& out, const std::string& keyword, const json& value, const std::string& pointer) {
    static constexpr std::array<std::string_view, 7> as_given{"required", "minLength",     "maxLength",    "minItems",
                                                              "maxItems", "minProperties", "maxProperties"};
    static constexpr std::array<std::string_view, 7> one_schema{
      "not", "if", "then", "else", "contains", "propertyNames", "additionalItems"};
    static constexpr std::array<std::string_view, 7> many_schemas{
      "allOf", "anyOf", "oneOf", "properties", "patternProperties", "dependencies", "items"};
    auto among = [&](const auto& names) { return std::find(names.begin(), names.end(), keyword) != names.end(); };
    if (among(as_given)) {
      out[keyword] = value;
    } else if (keyword == "additionalProperties") {
      out[keyword] = value == false ? forbid("is not a property that the schema knows; remove it or correct its name")
                                    : write_at(pointer);
    } else if (among(one_schema) || (keyword == "items" && !value.is_array())) {
      out[keyword] = write_at(pointer);
    } else if (among(many_schemas)) {
      plan_.has_pattern_properties |= keyword == "patternProperties" && !value.empty();
      out[keyword] = value.is_array() ? json::array() : json::object();
      for (const auto& [key, member] : value.items()) {
        // A dependency may also be a list of names, which is no schema.
        auto part = reader_.find(pointer_to(pointer, key)) ? write_at(pointer_to(pointer, key)) : member;
        if (value.is_array())
          out[keyword].push_back(std::move(part));
        else
          out[keyword][key] = std::move(part);
      }
    }
  }

  json write_at(const std::string& pointer) { return write_node(*reader_.find(pointer)); }

  json forbid(std::string message) {
    schema_rules rules;
    rules.forbidden = std::move(message);
    return refer_to(rules);
  }

  json refer_to(const schema_rules& rules) {
    plan_.rules.push_back(std::make_shared<const schema_rules>(rules));
    return {{rules_keyword, plan_.rules.size() - 1}};
  }

  const schema_reader& reader_;
  schema_plan& plan_;
  std::set<std::size_t> wanted_; ///< targets of references that are not written yet
  std::set<std::size_t> written_;
};

void check_total_nesting(const std::vector<subschema>& nodes, problems& found) {
  auto total = nodes.front().nesting;
  std::set<std::size_t> targets;
  for (const auto& node : nodes)
    if (node.target && targets.insert(*node.target).second)
      total += nodes[*node.target].nesting;
  if (total > max_total_nesting)
    found.push_back({"", std::nullopt, "has too many definitions that are referred to; use fewer or flatter ones"});
}

} // namespace

schema_plan plan_schema(const json& schema, problems& found) {
  schema_plan plan;
  schema_reader reader(found);
  reader.read_document(schema);
  check_total_nesting(reader.nodes(), found);
  stack_check(reader.nodes(), found).run();
  if (found.empty())
    structure_writer(reader, plan).write();
  return plan;
}

} // namespace geartrain
