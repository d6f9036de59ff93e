#include "workflow/templates/schema_format.hpp"
#include "workflow/templates/schema_pattern.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace geartrain;

TEST_CASE("patterns are found anywhere in the text, by code points") {
  struct row {
    std::string pattern;
    std::string text;
    bool found;
  };
  const row rows[] = {
    {"b", "abc", true},
    {"^b", "abc", false},
    {"^b$", "a\nb\nc", false},
    {"^.{3}$", "\u00e4\U0001F600x", true},
    {"^[a-z]+$", "", false},
    {"^(a|bc)*$", "abcbca", true},
    {"a|^b$", "xa", true},
    {"^\\d{3}-\\d{4}$", "555-1234", true},
    {"^[\\]a{2}]+$", "]a{2}", true},
    {"^\\(x\\)$", "(x)", true},
    {"^(?:x|y){2,3}$", "xyx", true},
    {"", "anything", true},
    {"\\u20ac", "5 \u20ac", true},
  };
  for (const auto& row : rows) {
    CAPTURE(row.pattern);
    auto pattern = schema_pattern::compile(row.pattern);
    REQUIRE(pattern);
    CHECK(pattern->found_in(row.text) == row.found);
  }
}

TEST_CASE("patterns that could hurt are refused") {
  for (const std::string& bad :
       {std::string("("), std::string("a)(b"), std::string("[z-a]"), std::string("*"), std::string("(?=a)b"),
        std::string("(?!a)b"), std::string("(a)\\1"), std::string("(a?){60000}"), std::string("((a{100}){100}){100}"),
        std::string("a{99999999999999999999}"), std::string(1001, 'a')}) {
    CAPTURE(bad);
    auto pattern = schema_pattern::compile(bad);
    REQUIRE_FALSE(pattern);
    CHECK_FALSE(pattern.error().message.empty());
  }
}

TEST_CASE("a long text needs no deep stack and no exponential time") {
  std::string text(200'000, 'a');
  text += '!';
  for (const auto* hostile : {"^(a+)+$", "^(\\w+\\s?)*$", "(a|a)*b", "^[a-z]+$", "a+b"}) {
    CAPTURE(hostile);
    auto pattern = schema_pattern::compile(hostile);
    REQUIRE(pattern);
    CHECK_FALSE(pattern->found_in(text));
  }
}

TEST_CASE("only simple patterns are for property names") {
  for (const auto* good :
       {"^x_", "^[a-z]+$", "^[A-Z]{2}[0-9]+$", "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "^(a|b)?c*$", "\\)+\\*"})
    CHECK(schema_pattern::is_safe_for_names(good));
  for (const auto* bad : {"^(a+)+$", "(a|a)*b", "(ab){1,50}", "(ab){9}", "a*a*a*b", "a{1,9}b{1,9}c{1,}", "(\\w+\\s?)*"})
    CHECK_FALSE(schema_pattern::is_safe_for_names(bad));
}

TEST_CASE("formats") {
  struct row {
    const char* format;
    const char* text;
    bool good;
  };
  const row rows[] = {
    {"date", "2024-02-29", true},
    {"date", "2023-02-29", false},
    {"date", "2024-13-01", false},
    {"date", "2024-1-1", false},
    {"date", "2024-01-01x", false},
    {"time", "23:59:60Z", true},
    {"time", "24:00:00Z", false},
    {"time", "12:00:00", false},
    {"time", "12:00:00.123456+02:00", true},
    {"time", "12:00:00.Z", false},
    {"date-time", "2024-06-01T12:00:00Z", true},
    {"date-time", "2024-06-01t12:00:00.5-23:59", true},
    {"date-time", "2024-06-01 12:00:00Z", false},
    {"date-time", "2024-06-31T12:00:00Z", false},
    {"uuid", "018f2e3a-0000-7000-8000-000000000000", true},
    {"uuid", "018f2e3a00007000800000000000000", false},
    {"email", "anything", true},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    CHECK(has_format(row.text, row.format) == row.good);
  }
}
