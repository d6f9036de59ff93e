#include "workflow/templates/schema_constraint.hpp"

#include "workflow/canonical_json.hpp"
#include "workflow/templates/schema_format.hpp"

#include <algorithm>
#include <cmath>
#include <new>

namespace geartrain {

namespace {

using nlohmann::json;
using valijson::adapters::Adapter;

bool is_whole(double value) {
  return std::isfinite(value) && value == std::floor(value);
}

bool has_type(const Adapter& target, const std::string& type) {
  if (type == "null")
    return target.isNull();
  if (type == "boolean")
    return target.isBool();
  if (type == "integer") // draft 7: 1.0 is an integer
    return target.isInteger() || (target.isDouble() && is_whole(target.getDouble()));
  if (type == "number")
    return target.isNumber();
  if (type == "string")
    return target.isString();
  return type == "array" ? target.isArray() : target.isObject();
}

std::string_view type_of(const Adapter& target) {
  for (auto type : {"null", "boolean", "integer", "number", "string", "array"})
    if (has_type(target, type))
      return type;
  return "object";
}

bool is_multiple(const Adapter& target, double divisor) {
  if (target.isInteger() && is_whole(divisor) && divisor <= 9007199254740992.0)
    return target.getInteger() % static_cast<std::int64_t>(divisor) == 0;
  auto quotient = target.getNumber() / divisor;
  // 19.99 is a multiple of 0.01 although neither is an exact double.
  return std::isfinite(quotient) &&
         std::abs(quotient - std::round(quotient)) <= 1e-9 * std::max(1.0, std::abs(quotient));
}

/// A text that is the same for equal values only; depth is bounded by the parser.
void append_spelling(std::string& out, const Adapter& value) {
  if (value.isArray()) {
    out += '[';
    value.applyToArray([&](const Adapter& item) {
      append_spelling(out, item);
      out += ',';
      return true;
    });
    out += ']';
  } else if (value.isObject()) {
    out += '{';
    value.applyToObject([&](const std::string& key, const Adapter& member) {
      out += canonical_json(json(key)) + ':';
      append_spelling(out, member);
      out += ',';
      return true;
    });
    out += '}';
  } else if (value.isString()) {
    out += canonical_json(json(value.getString()));
  } else if (value.isInteger()) {
    out += std::to_string(value.getInteger());
  } else if (value.isDouble()) {
    out += canonical_number(value.getDouble());
  } else {
    out += value.isNull() ? "null" : value.getBool() ? "true" : "false";
  }
}

bool has_unique_items(const Adapter& target) {
  std::vector<std::string> spellings;
  target.applyToArray([&](const Adapter& item) {
    append_spelling(spellings.emplace_back(), item);
    return true;
  });
  std::sort(spellings.begin(), spellings.end());
  return std::adjacent_find(spellings.begin(), spellings.end()) == spellings.end();
}

std::string join(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words)
    out += (out.empty() ? "" : " or ") + word;
  return out;
}

void check_number(const Adapter& target, const schema_rules& rules, std::vector<std::string>& broken) {
  auto value = target.getNumber();
  if (rules.minimum && value < *rules.minimum)
    broken.push_back("must be at least " + canonical_number(*rules.minimum));
  if (rules.maximum && value > *rules.maximum)
    broken.push_back("must be at most " + canonical_number(*rules.maximum));
  if (rules.exclusive_minimum && value <= *rules.exclusive_minimum)
    broken.push_back("must be greater than " + canonical_number(*rules.exclusive_minimum));
  if (rules.exclusive_maximum && value >= *rules.exclusive_maximum)
    broken.push_back("must be less than " + canonical_number(*rules.exclusive_maximum));
  if (rules.multiple_of && !is_multiple(target, *rules.multiple_of))
    broken.push_back("must be a multiple of " + canonical_number(*rules.multiple_of));
}

void check_string(const Adapter& target, const schema_rules& rules, std::vector<std::string>& broken) {
  auto text = target.getString();
  if (rules.pattern && !rules.pattern->found_in(text))
    broken.push_back("must match the pattern " + rules.pattern_text);
  if (!rules.format.empty() && !has_format(text, rules.format))
    broken.push_back("must be a valid " + rules.format);
}

bool is_among(const Adapter& target, const json& values) {
  return std::any_of(values.begin(), values.end(), [&](const json& value) {
    return valijson::adapters::NlohmannJsonAdapter(value).equalTo(target, true);
  });
}

std::vector<std::string> check(const Adapter& target, const schema_rules& rules) {
  if (!rules.forbidden.empty())
    return {rules.forbidden};
  auto fits = [&](const std::string& type) { return has_type(target, type); };
  if (!rules.types.empty() && std::none_of(rules.types.begin(), rules.types.end(), fits))
    return {"must be of type " + join(rules.types) + ", not " + std::string(type_of(target))};
  std::vector<std::string> broken;
  if (!rules.one_of_values.is_null() && !is_among(target, rules.one_of_values)) {
    auto values = canonical_json(rules.one_of_values);
    broken.push_back(values.size() <= 500 ? "must be one of " + values : "must be one of the values in the schema");
  }
  if (target.isNumber())
    check_number(target, rules, broken);
  if (target.isString())
    check_string(target, rules, broken);
  if (rules.unique_items && target.isArray() && !has_unique_items(target))
    broken.push_back("must not hold the same value twice");
  return broken;
}

} // namespace

bool rules_constraint::validate(const Adapter& target, const std::vector<std::string>& context,
                                valijson::ValidationResults* results) const {
  auto broken = check(target, *rules_);
  if (results)
    for (const auto& message : broken)
      results->pushError(context, message);
  return broken.empty();
}

valijson::constraints::Constraint* rules_constraint::cloneInto(void* place) const {
  return new (place) rules_constraint(*this);
}

valijson::constraints::Constraint* rules_builder::make(const Adapter& number) const {
  return new rules_constraint(rules_.at(static_cast<std::size_t>(number.getInteger())));
}

} // namespace geartrain
