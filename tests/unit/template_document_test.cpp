#include "workflow/canonical_json.hpp"
#include "workflow/templates/template_document.hpp"

#include <nlohmann/json.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace geartrain;

namespace {

/// The document as canonical JSON, or its first problem as "path @line: message".
std::string render(std::string_view text, template_format format = template_format::yaml) {
  auto read = read_document(text, format);
  if (const auto* node = std::get_if<document_node>(&read))
    return canonical_json(to_json(*node));
  const auto& first = std::get<problems>(read).front();
  return first.path + " @" + std::to_string(first.line.value_or(0)) + ": " + first.message;
}

} // namespace

TEST_CASE("plain YAML scalars follow the core schema") {
  struct row {
    std::string yaml;
    std::string json;
  };
  const row rows[] = {
    {"[~, null, Null, NULL, '', \"~\"]", R"([null,null,null,null,"","~"])"},
    {"[true, True, TRUE, false, yes, on, 'true']", R"([true,true,true,false,"yes","on","true"])"},
    {"[0, -1, +2, 007, 0o17, 0x1F, 0b1, 1_000]", R"([0,-1,2,7,15,31,"0b1","1_000"])"},
    {"[9223372036854775807, -9223372036854775808, 18446744073709551615]",
     "[9223372036854775807,-9223372036854775808,18446744073709551615]"},
    {"[1.5, .5, 1., 1e3, -1.5E-3, 1e-400, 1.2.3, 1e, ., -]", R"([1.5,0.5,1,1000,-0.0015,0,"1.2.3","1e",".","-"])"},
    {"['12', \"12\", !!str 12, !!int 12, !!float 12, !!null '']", R"(["12","12","12",12,12,null])"},
    {"a: |\n  12\nb: >-\n  x\n  y\n", R"({"a":"12\n","b":"x y"})"},
    {"2024-01-01", "\"2024-01-01\""},
    {"12: a\ntrue: b\n~: c\n1.0: d", R"({"1.0":"d","12":"a","null":"c","true":"b"})"},
    {"a:\nb: {c: , d: }", R"({"a":null,"b":{"c":null,"d":null}})"},
    {"%YAML 1.2\n---\na: 1\n...\n", R"({"a":1})"},
    {"\xef\xbb\xbf\x61: \"\\u00e4\\U0001F600\"", "{\"a\":\"\u00e4\U0001F600\"}"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.yaml);
    CHECK(render(row.yaml) == row.json);
  }
}

TEST_CASE("aliases and merges unfold") {
  CHECK(render("a: &x {k: 1}\nb: *x\nc: [*x, &y 2, *y]") == R"({"a":{"k":1},"b":{"k":1},"c":[{"k":1},2,2]})");
  CHECK(render("a: &x {k: 1, l: 2}\nb:\n  <<: *x\n  k: 3") == R"({"a":{"k":1,"l":2},"b":{"k":3,"l":2}})");
  CHECK(render("a: &x {k: 1}\nb: &y {k: 2, l: 2}\nc: {<<: [*x, *y], m: 3}") ==
        R"({"a":{"k":1},"b":{"k":2,"l":2},"c":{"k":1,"l":2,"m":3}})");
  CHECK(render("'<<': 1") == R"({"<<":1})");
}

TEST_CASE("texts that are no document are refused with their line") {
  using namespace std::string_literals;
  struct row {
    std::string yaml;
    std::string message;
  };
  const row rows[] = {
    {"", " @1: the document is empty"},
    {"# nothing\n", " @1: the document is empty"},
    {"a: 1\nb: c: d\n", " @2: the text is not valid YAML"},
    {"a: [1,\n2", " @2: the text is not valid YAML"},
    {"a: \"x", " @1: the text is not valid YAML"},
    {"\t- a", " @1: the text is not valid YAML"},
    {"a: 1\n---\nb: 2\n", " @3: there is a second document"},
    {"a: 1\nb:\n  c: 1\n  c: 2\n", "b.c @4: the key 'c' is given twice, first on line 3"},
    {"a: *x", " @1: the text is not valid YAML: the referenced anchor is not defined"},
    {"a: &x\n  b: *x",
     " @2: the text is not valid YAML: an alias refers to a key or to the value that it stands inside"},
    {"? [a]\n: 1", "a list or mapping can't be a key"},
    {"&k a: 1\n*k : 2", " @2: the text is not valid YAML: an alias refers to a key"},
    {"a: &k 1\n*k : 2", "an alias can't be a key"},
    {"a: !foo x", "a @1: 'x' does not fit its tag '!foo'; remove the tag"},
    {"a: !!int x", "a @1: 'x' does not fit its tag"},
    {"a: !foo {b: 1}", "the tag '!foo' is not known"},
    {"a:\n  - 1\n  - .inf", "a[1] @3: '.inf' is no JSON number"},
    {"a: -.INF", "a @1: '-.INF' is no JSON number"},
    {"a: .NaN", "a @1: '.NaN' is no JSON number"},
    {"a: 18446744073709551616", "a @1: '18446744073709551616' does not fit into 64 bits; put it in quotes"},
    {"a: 1e999", "a @1: '1e999' is outside the range of a double"},
    {"a: \"\\0\"", " @1: the text is not valid YAML: a string contains U+0000"},
    {"a: \"\\ud800\"", " @1: the text is not valid YAML"},
    {"a: 1\nb: \0"s, " @2: the text is not UTF-8 without zero bytes"},
    {"a: 1\nb: \xff", " @2: the text is not UTF-8"},
    {"\xff\xfe\x61", " @1: the text is not UTF-8"},
    {"<<: 1", "only mappings can be merged"},
    {std::string(101, '[') + std::string(101, ']'), "nested deeper than 100 levels"},
    {std::string(100'000, '['), "the text is not valid YAML"},
    {std::string(100'000, '{'), "the text is not valid YAML"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.yaml.substr(0, 100));
    auto message = render(row.yaml);
    CAPTURE(message);
    CHECK(message.find(row.message) != std::string::npos);
  }
  CHECK(render(std::string(100, '[') + std::string(100, ']')).starts_with("[["));
}

TEST_CASE("an alias bomb is stopped before it unfolds") {
  std::string wide = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  std::string deep = "a0: &a0 [x]\n";
  for (int i = 1; i < 120; ++i) {
    auto last = "*a" + std::to_string(i - 1);
    auto name = "a" + std::to_string(i) + ": &a" + std::to_string(i);
    wide += name + " [" + last + "," + last + "," + last + "," + last + "," + last + "]\n";
    deep += name + " [" + last + "]\n";
  }
  CHECK(render(wide).find("unfolds to more than 2000000 values") != std::string::npos);
  CHECK(render(deep).find("nested deeper than 100 levels") != std::string::npos);
}

TEST_CASE("JSON documents") {
  auto json = template_format::json;
  CHECK(render(R"({"b":[1,1.0,"x",null,true],"a":1,"a":2})", json) == R"({"a":2,"b":[1,1,"x",null,true]})");
  CHECK(render(R"({"a":100000000000000000000})", json) == R"({"a":100000000000000000000})");
  CHECK(render("{\"a\":", json).starts_with(" @0: the text is not valid JSON: "));
  CHECK(render("a: 1", json).starts_with(" @0: the text is not valid JSON: "));
}

TEST_CASE("nodes know their lines") {
  auto read = read_document("a: 1\nb:\n  - x\n  - y:\n      z: 2\nc:\n", template_format::yaml);
  const auto& root = std::get<document_node>(read);
  CHECK(root.line == 1);
  CHECK(root.find("a")->line == 1);
  CHECK(root.find("b")->line == 3);
  const auto& items = *root.find("b")->as<document_node::sequence>();
  CHECK(items[1].line == 4);
  CHECK(items[1].find("y")->find("z")->line == 5);
  CHECK(root.find("c")->line == 6);
  CHECK(root.find("none") == nullptr);
  CHECK(root.find("a")->find("x") == nullptr);
}
