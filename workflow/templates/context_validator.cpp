#include "workflow/templates/context_validator.hpp"

#include "workflow/strict_json.hpp"
#include "workflow/templates/large_stack.hpp"
#include "workflow/templates/schema_constraint.hpp"
#include "workflow/templates/schema_plan.hpp"
#include "workflow/utf8.hpp"

#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include <algorithm>
#include <array>
#include <set>

namespace geartrain {

namespace {

using nlohmann::json;
using adapter = valijson::adapters::NlohmannJsonAdapter;
using raw_error = valijson::ValidationResults::Error;

constexpr std::size_t max_problems = 100;
constexpr std::size_t max_listed_values = 50'000;
constexpr std::size_t max_matched_name = 255;

/// valijson reads integers as signed: what is greater becomes a double.
void soften_numbers(json& value) {
  if (value.is_structured()) {
    for (auto& item : value)
      soften_numbers(item);
  } else if (value.is_number_unsigned() && value.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX)) {
    value = static_cast<double>(value.get<std::uint64_t>());
  }
}

std::size_t count_values(const json& value) {
  std::size_t count = 1;
  if (value.is_structured())
    for (const auto& item : value)
      count += count_values(item);
  return count;
}

/// Finds a property name that is too long to be matched by valijson, which matches names by backtracking.
bool has_long_name(const json& value) {
  if (value.is_object())
    for (const auto& [name, member] : value.items())
      if (count_code_points(name) > max_matched_name)
        return true;
  return value.is_structured() && std::any_of(value.begin(), value.end(), has_long_name);
}

/// Context entries are "<root>", then "[name]" or "[index]".
std::string pointer_of(const std::vector<std::string>& context) {
  std::string out;
  for (std::size_t i = 1; i < context.size(); ++i)
    out = pointer_to(out, std::string_view(context[i]).substr(1, context[i].size() - 2));
  return out;
}

/// valijson repeats a failure at each level above it.
bool is_repetition(const std::string& text) {
  static constexpr std::array<std::string_view, 6> beginnings{
    "Failed to validate against schema associated", "Failed to validate item #",
    "Failed to validate against child schema #",    "Failed to validate against additional properties",
    "Failed to validate against dependent schema",  "Failed to validate against a conditional"};
  return std::any_of(beginnings.begin(), beginnings.end(), [&](auto start) { return text.starts_with(start); });
}

/// What stands between the quotes of one of valijson's messages.
std::optional<std::string> quoted_after(const std::string& text, std::string_view start) {
  if (!text.starts_with(start) || text.size() < start.size() + 2)
    return std::nullopt;
  return text.substr(start.size(), text.size() - start.size() - 2);
}

problem translate(const raw_error& error) {
  auto path = pointer_of(error.context);
  const auto& text = error.description;
  if (auto name = quoted_after(text, "Missing required property '"))
    return {pointer_to(path, *name), {}, "is required; add it"};
  if (auto name = quoted_after(text, "Missing dependency '"))
    return {pointer_to(path, *name), {}, "is required because of another property; add it"};
  if (text.starts_with("Failed to validate against any schemas allowed by anyOf"))
    return {path, {}, "must match at least one of the schemas in anyOf"};
  if (text.starts_with("Failed to validate against any child schemas allowed by oneOf"))
    return {path, {}, "must match one of the schemas in oneOf"};
  if (text.starts_with("Failed to validate against exactly one"))
    return {path, {}, "must match only one of the schemas in oneOf"};
  if (text.starts_with("Target should not validate"))
    return {path, {}, "must not match the schema in not"};
  if (text.starts_with("Failed to any values"))
    return {path, {}, "must hold at least one value that matches the schema in contains"};
  return {path, {}, text};
}

problems translate_all(const valijson::ValidationResults& results) {
  problems found;
  std::set<std::pair<std::string, std::string>> known;
  for (const auto& error : results) {
    if (is_repetition(error.description))
      continue;
    auto next = translate(error);
    if (!known.emplace(next.path, next.message).second)
      continue;
    if (found.size() == max_problems) {
      found.push_back({"", {}, "there are more problems; correct these first"});
      break;
    }
    found.push_back(std::move(next));
  }
  if (found.empty())
    found.push_back({"", {}, "does not match the template's input_schema"});
  return found;
}

class any_object : public context_validator {
public:
  problems validate(std::string_view context_json) const override {
    if (auto why = check_strict_json(context_json))
      return {{"", {}, why->message}};
    if (auto first = context_json.find_first_not_of(" \t\r\n"); context_json[first] != '{')
      return {{"", {}, "must be an object"}};
    return {};
  }
};

class compiled_schema : public context_validator {
public:
  explicit compiled_schema(const schema_plan& plan) : has_pattern_properties_(plan.has_pattern_properties) {
    valijson::SchemaParser parser;
    parser.addConstraintBuilder(rules_keyword, new rules_builder(plan.rules)); // the parser deletes it
    parser.populateSchema(adapter(plan.structure), schema_);
  }

  problems validate(std::string_view context_json) const override {
    auto context = parse_strict_json(context_json);
    if (!context)
      return {{"", {}, context.error().message}};
    soften_numbers(*context);
    if (has_pattern_properties_ && has_long_name(*context))
      return {{"", {}, "has a property name of more than " + std::to_string(max_matched_name) + " characters"}};
    try {
      return check(*context);
    } catch (const std::exception& error) {
      return {{"", {}, std::string("could not be checked: ") + error.what()}};
    }
  }

private:
  problems check(const json& context) const {
    valijson::Validator validator;
    // The first run keeps no results and stops at the first failure: nearly always it finds none.
    if (validator.validate(schema_, adapter(context), nullptr))
      return {};
    if (count_values(context) > max_listed_values)
      return {{"", {}, "does not match the template's input_schema and is too large for a list of problems"}};
    valijson::ValidationResults results;
    validator.validate(schema_, adapter(context), &results);
    return translate_all(results);
  }

  valijson::Schema schema_;
  bool has_pattern_properties_;
};

} // namespace

std::variant<std::shared_ptr<const context_validator>, problems> context_validator::compile(const json_text& schema) {
  if (!schema)
    return std::make_shared<const any_object>();
  auto parsed = parse_strict_json(schema.view(), {.max_depth = 100, .canonical_integers = true});
  if (!parsed)
    return problems{{"", {}, parsed.error().message}};
  problems found;
  auto plan = plan_schema(*parsed, found);
  if (!found.empty())
    return found;
  std::shared_ptr<const compiled_schema> compiled;
  std::string why = "there are too few resources to compile it now; try again later";
  auto build = [&] {
    try {
      compiled = std::make_shared<const compiled_schema>(plan);
    } catch (const std::exception& error) {
      why = std::string("is no valid JSON Schema: ") + error.what();
    }
  };
  // valijson needs up to 30 kB of stack for each $ref that it follows; the plan bounds how many that can be.
  if (!run_on_large_stack(build) || !compiled)
    return problems{{"", {}, why}};
  return compiled;
}

} // namespace geartrain
