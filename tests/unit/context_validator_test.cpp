#include "workflow/templates/context_validator.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

using namespace geartrain;

namespace {

std::shared_ptr<const context_validator> compiled(const std::string& schema) {
  auto result = context_validator::compile(json_text(schema));
  if (auto* found = std::get_if<problems>(&result))
    for (const auto& one : *found)
      FAIL_CHECK(schema << ": " << one.path << " " << one.message);
  return std::get<0>(result);
}

/// Problems as lines "path: message", or "ok".
std::string render(const problems& found) {
  std::string out;
  for (const auto& one : found)
    out += (out.empty() ? "" : "\n") + one.path + ": " + one.message;
  return out.empty() ? "ok" : out;
}

std::string check(const std::string& schema, const std::string& context) {
  return render(compiled(schema)->validate(context));
}

std::string refusal(const std::string& schema) {
  auto result = context_validator::compile(json_text(schema));
  auto* found = std::get_if<problems>(&result);
  return found ? render(*found) : "ok";
}

} // namespace

TEST_CASE("without a schema any object is a context") {
  auto any = std::get<0>(context_validator::compile({}));
  CHECK(render(any->validate("{}")) == "ok");
  CHECK(render(any->validate(R"({"a":[1]})")) == "ok");
  CHECK(render(any->validate("[]")) == ": must be an object");
  CHECK(any->validate("{").size() == 1);
}

TEST_CASE("contexts against schemas") {
  struct row {
    std::string schema;
    std::string context;
    std::string expected;
  };
  const std::string order = R"({"type":"object","required":["id","lines"],"additionalProperties":false,"properties":{
    "id":{"type":"string","pattern":"^[A-Z]{2}[0-9]+$"},
    "lines":{"type":"array","minItems":1,"items":{"type":"object","required":["sku"],
      "properties":{"sku":{"type":"string"},"count":{"type":"integer","minimum":1,"maximum":100}}}},
    "state":{"enum":["new","old",3,null]}}})";
  const row rows[] = {
    {order, R"({"id":"AB1","lines":[{"sku":"x","count":2.0}]})", "ok"},
    {order, R"({"id":"AB1","lines":[{"sku":"x"}],"state":3.0})", "ok"},
    {order, R"({"lines":[{"sku":"x"}]})", "/id: is required; add it"},
    {order, R"({"id":"ab","lines":[{"sku":"x"}]})", "/id: must match the pattern ^[A-Z]{2}[0-9]+$"},
    {order, R"({"id":1,"lines":[{"sku":"x"}]})", "/id: must be of type string, not integer"},
    {order, R"({"id":"AB1","lines":[{"sku":"x"}],"state":4})", "/state: must be one of [\"new\",\"old\",3,null]"},
    {order, R"({"id":"AB1","lines":[{"sku":"x"},{"count":0},{"sku":"y","count":101}],"more":1,"m/~r":2})",
     "/lines/1/count: must be at least 1\n/lines/1/sku: is required; add it\n/lines/2/count: must be at most 100\n"
     "/m~1~0r: is not a property that the schema knows; remove it or correct its name\n"
     "/more: is not a property that the schema knows; remove it or correct its name"},
    {R"({"type":["integer","null"]})", "1.5", ": must be of type integer or null, not number"},
    {R"({"type":"integer"})", "18446744073709551615", "ok"},
    {R"({"minimum":0})", "18446744073709551615", "ok"},
    {R"({"exclusiveMinimum":0,"exclusiveMaximum":1})", "0", ": must be greater than 0"},
    {R"({"exclusiveMinimum":0,"exclusiveMaximum":1})", "1", ": must be less than 1"},
    {R"({"multipleOf":0.01})", "19.99", "ok"},
    {R"({"multipleOf":0.01})", "19.999", ": must be a multiple of 0.01"},
    {R"({"multipleOf":3})", "-9", "ok"},
    {R"({"multipleOf":3})", "1e300", "ok"},
    {R"({"multipleOf":3})", "\"12\"", "ok"},
    {R"({"format":"date-time"})", "\"2024-06-01\"", ": must be a valid date-time"},
    {R"({"format":"date-time"})", "{}", "ok"},
    {R"({"format":"date-time"})", "[1]", "ok"},
    {R"({"uniqueItems":true})", R"([1,"1",[1],{"a":1},{"a":2},null,true])", "ok"},
    {R"({"uniqueItems":true})", R"([{"a":1,"b":[2]},{"b":[2],"a":1.0}])", ": must not hold the same value twice"},
    {R"({"const":{"a":1}})", R"({"a":1})", "ok"},
    {R"({"const":{"a":1}})", R"({"a":2})", ": must be one of [{\"a\":1}]"},
    {R"({"properties":{"a":false}})", R"({"a":1})", "/a: is not allowed here; remove it"},
    {R"({"properties":{"a":true}})", R"({"a":1})", "ok"},
    {R"({"patternProperties":{"^x_":{"type":"string"}},"additionalProperties":false})", R"({"x_1":"a","y":1})",
     "/y: is not a property that the schema knows; remove it or correct its name"},
    {R"({"patternProperties":{"^x_":{"type":"string"}}})", R"({"x_1":1})", "/x_1: must be of type string, not integer"},
    {R"({"dependencies":{"a":["b"],"c":{"required":["d"]}}})", R"({"a":1,"c":1})",
     "/b: is required because of another property; add it\n/d: is required; add it"},
    {R"({"not":{"required":["a"]}})", R"({"a":1})", ": must not match the schema in not"},
    {R"({"oneOf":[{"type":"number"},{"type":"integer"}]})", "1", ": must match only one of the schemas in oneOf"},
    {R"({"anyOf":[{"type":"string"},{"minimum":5}]})", "3",
     ": must be of type string, not integer\n: must be at least 5\n: must match at least one of the schemas in anyOf"},
    {R"({"if":{"properties":{"k":{"const":1}}},"then":{"required":["a"]},"else":{"required":["b"]}})", R"({"k":1})",
     "/a: is required; add it"},
    {R"({"contains":{"type":"null"}})", "[1]", ": must hold at least one value that matches the schema in contains"},
    {R"({"items":[{"type":"string"}],"additionalItems":false})", R"(["a",1])", "/1: is not allowed here; remove it"},
    {R"({"propertyNames":{"pattern":"^[a-z]+$"}})", R"({"A":1})", ": does not match the template's input_schema"},
    {R"({"maxLength":2})", "\"\u00e4\u00f6\"", "ok"},
    // references: definitions, the root itself, escapes, property names that look like keywords
    {R"({"properties":{"tree":{"$ref":"#/definitions/n~0o~1de"}},"definitions":{"n~o/de":{"type":"object",
        "properties":{"value":{"type":"integer"},"children":{"type":"array","items":{"$ref":"#/definitions/n%7E0o~1de"}}}}}})",
     R"({"tree":{"value":1,"children":[{"value":2,"children":[{"value":"x"}]}]}})",
     "/tree/children/0/children/0/value: must be of type integer, not string"},
    {R"({"type":"object","properties":{"self":{"$ref":"#"}}})", R"({"self":{"self":{"self":1}}})",
     "/self/self/self: must be of type object, not integer"},
    {R"({"$ref":"#/$defs/a","type":"string","$defs":{"a":{"type":"object"}}})", "{}", "ok"},
    {R"({"properties":{"$ref":{"type":"string"},"type":{"enum":["x"]},"":{"type":"null"}}})",
     R"({"$ref":1,"type":"y","":1})",
     "/: must be of type null, not integer\n/$ref: must be of type string, not integer\n/type: must be one of [\"x\"]"},
    {R"({"default":{"$ref":"http://x"},"examples":[{"$ref":1}],"enum":[{"$ref":"http://x"}]})",
     R"({"$ref":"http://x"})", "ok"},
    {R"({"$id":"http://example.com/s","id":"http://example.com/t","$schema":"http://json-schema.org/draft-07/schema#",
        "properties":{"a":{"$ref":"#/definitions/a"}},"definitions":{"a":{"type":"null"}}})",
     R"({"a":1})", "/a: must be of type null, not integer"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.schema);
    CAPTURE(row.context);
    CHECK(check(row.schema, row.context) == row.expected);
  }
}

TEST_CASE("schemas that are wrong or could hurt are refused with the place") {
  struct row {
    std::string schema;
    std::string expected;
  };
  const std::string types = "must be one of: null, boolean, integer, number, string, array, object";
  const row rows[] = {
    {"{", ": "},
    {"[]", ": must be a schema: a mapping of keywords, or true or false"},
    {R"({"type":"strin"})", "/type: " + types},
    {R"({"type":["string",1]})", "/type/1: " + types},
    {R"({"type":[]})", "/type: must name at least one type"},
    {R"({"properties":{"a":{"minimum":"1"},"b":5},"required":"a"})",
     "/properties/a/minimum: must be a number\n"
     "/properties/b: must be a schema: a mapping of keywords, or true or false\n"
     "/required: must be a list of property names"},
    {R"({"multipleOf":0})", "/multipleOf: must be greater than 0"},
    {R"({"minLength":-1})", "/minLength: must be a whole number from 0 to 2147483647"},
    {R"({"maxItems":1.5})", "/maxItems: must be a whole number from 0 to 2147483647"},
    {R"({"enum":[]})", "/enum: must be a list of at least one value"},
    {R"({"allOf":[]})", "/allOf: must be a list of at least one schema"},
    {R"({"allOf":{}})", "/allOf: must be a list of at least one schema"},
    {R"({"uniqueItems":1})", "/uniqueItems: must be true or false"},
    {R"({"format":1})", "/format: must be a string such as \"date-time\""},
    {R"({"required":[1]})", "/required/0: must be a property name (a string)"},
    {R"({"exclusiveMinimum":true})", "/exclusiveMinimum: must be a number"},
    {R"({"pattern":"("})", "/pattern: the pattern is not valid"},
    {R"({"patternProperties":{"[":{}}})", "/patternProperties/[: the pattern is not valid"},
    {R"({"patternProperties":{"^(a+)+$":{}}})", "/patternProperties/^(a+)+$: a pattern of property names may repeat"},
    {R"({"dependencies":{"a":["b",2]}})", "/dependencies/a/1: must be a property name (a string)"},
    {R"({"items":[]})", "/items: must be a list of at least one schema"},
    {R"({"$ref":"http://example.com/schema.json"})", "/$ref: may only point into this schema"},
    {R"({"properties":{"a":{"$ref":"other.json#/x"}}})", "/properties/a/$ref: may only point into this schema"},
    {R"({"$ref":"#/definitions/none"})", "/$ref: points to no schema in this document"},
    {R"({"$ref":"#/enum/0","enum":[{}]})", "/$ref: points to no schema in this document"},
    {R"({"$ref":5})", "/$ref: must be a string"},
    {R"({"$ref":"#"})", ": refers to itself without going deeper"},
    {R"({"definitions":{"a":{"$ref":"#/definitions/b"},"b":{"$ref":"#/definitions/a"}}})",
     "/definitions/a: refers to itself without going deeper"},
    {R"({"allOf":[{"not":{"$ref":"#"}}]})", ": refers to itself without going deeper"},
    {R"({"if":true,"then":{"dependencies":{"a":{"$ref":"#"}}}})", ": refers to itself without going deeper"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.schema);
    auto message = refusal(row.schema);
    CAPTURE(message);
    CHECK(message.starts_with(row.expected));
  }
}

TEST_CASE("schemas that would cost too much are refused, not run") {
  std::string doubling = R"({"$ref":"#/definitions/d0","definitions":{"d30":{})";
  for (int i = 0; i < 30; ++i) {
    auto next = "{\"$ref\":\"#/definitions/d" + std::to_string(i + 1) + "\"}";
    doubling += ",\"d" + std::to_string(i) + "\":{\"allOf\":[" + next + "," + next + "]}";
  }
  CHECK(refusal(doubling + "}}").find("too many schemas") != std::string::npos);

  for (std::string_view keyword : {"allOf", "items"}) {
    std::string chain = R"({"$ref":"#/definitions/d0","definitions":{"d9000":{})";
    for (int i = 0; i < 9000; ++i)
      chain += ",\"d" + std::to_string(i) + "\":{\"" + std::string(keyword) + "\":[{\"$ref\":\"#/definitions/d" +
               std::to_string(i + 1) + "\"}]}";
    CHECK(refusal(chain + "}}") != "ok");
  }

  std::string nested = "{}";
  for (int i = 0; i < 49; ++i)
    nested = "{\"properties\":{\"a\":" + nested + "}}";
  CHECK(refusal(nested) == "ok");
}

TEST_CASE("the most deeply recursive schema that is accepted can be compiled and run") {
  std::string chain = R"({"items":{"$ref":"#/definitions/d0"},"definitions":{"d490":{"type":"null"})";
  for (int i = 0; i < 490; ++i)
    chain += ",\"d" + std::to_string(i) + "\":{\"items\":{\"$ref\":\"#/definitions/d" + std::to_string(i + 1) + "\"}}";
  CHECK(check(chain + "}}", std::string(64, '[') + std::string(64, ']')) == "ok");

  std::string stack = "{}";
  for (int i = 0; i < 29; ++i)
    stack = "{\"allOf\":[" + stack + "]}";
  auto recursive = "{\"items\":{\"$ref\":\"#\"},\"allOf\":[" + stack + "]}";
  CHECK(check(recursive, std::string(64, '[') + std::string(64, ']')) == "ok");
}

TEST_CASE("contexts that are meant to hurt") {
  SUBCASE("a huge list of wrong items") {
    std::string context = "[1";
    for (int i = 0; i < 200'000; ++i)
      context += ",1";
    auto found = compiled(R"({"items":{"type":"string"}})")->validate(context + "]");
    CHECK(found.size() == 1);
  }
  SUBCASE("many wrong items") {
    std::string context = "[1";
    for (int i = 0; i < 500; ++i)
      context += ",1";
    auto found = compiled(R"({"items":{"type":"string"}})")->validate(context + "]");
    CHECK(found.size() == 101);
    CHECK(found.back().message == "there are more problems; correct these first");
  }
  SUBCASE("uniqueness of many items") {
    std::string context = "[0";
    for (int i = 1; i < 100'000; ++i)
      context += "," + std::to_string(i);
    CHECK(compiled(R"({"uniqueItems":true})")->validate(context + "]").empty());
  }
  SUBCASE("a long property name against a pattern") {
    auto context = "{\"" + std::string(500'000, 'a') + "\":1}";
    CHECK(compiled(R"({"patternProperties":{"^a+$":{}}})")->validate(context).size() == 1);
    CHECK(compiled(R"({"properties":{"a":{}}})")->validate(context).empty());
  }
  SUBCASE("too deep") {
    CHECK(compiled("{}")->validate(std::string(65, '[') + std::string(65, ']')).size() == 1);
  }
}

TEST_CASE("one validator serves many threads") {
  auto validator = compiled(R"({"properties":{"a":{"pattern":"^x+$"}},"patternProperties":{"^b":{"type":"null"}}})");
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i)
        if (!validator->validate(R"({"a":"xx","b":null})").empty() ||
            validator->validate(R"({"a":"y","b":1})").size() != 2)
          ++wrong;
    });
  for (auto& thread : threads)
    thread.join();
  CHECK(wrong == 0);
}
