#include "workflow/strict_json.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace geartrain;

namespace {

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

/// "" if the text is accepted, else the message.
std::string refusal(std::string_view text, const json_limits& limits = {}) {
  auto value = parse_strict_json(text, limits);
  auto why = check_strict_json(text, limits);
  CHECK(why.has_value() == !value);
  if (value)
    return "";
  CHECK((why && why->message == value.error().message));
  CHECK(value.error().code == errc::invalid);
  return value.error().message;
}

} // namespace

TEST_CASE("strict JSON accepts what RFC 8259 allows") {
  struct row {
    std::string text;
    std::string dumped;
  };
  const row rows[] = {
    {"null", "null"},
    {" true ", "true"},
    {"-0", "0"},
    {"1.5e3", "1500.0"},
    {"9223372036854775807", "9223372036854775807"},
    {"-9223372036854775808", "-9223372036854775808"},
    {"18446744073709551615", "18446744073709551615"},
    {R"("\u00e4\ud83d\ude00\/")", "\"\u00e4\U0001F600/\""},
    {R"({"a":1,"a":{"b":2}})", R"({"a":{"b":2}})"},
    {R"({"a":{"b":2},"a":[1]})", R"({"a":[1]})"},
    {R"([[],{},[{}]])", R"([[],{},[{}]])"},
    {R"({"":{"x":[1,{"y":null}]}})", R"({"":{"x":[1,{"y":null}]}})"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    auto value = parse_strict_json(row.text);
    REQUIRE(value);
    CHECK(value->dump() == row.dumped);
  }
}

TEST_CASE("strict JSON refuses what cannot be kept faithfully, and says where") {
  using namespace std::string_literals;
  struct row {
    std::string text;
    std::string message;
  };
  const row rows[] = {
    {"", "unexpected end of input"},
    {"{\"a\":1", "unexpected end of input"},
    {"{\"a\":1}x", "at byte 8"},
    {"{\"a\":1}\0x"s, "a zero byte is not JSON at byte 7"},
    {"\"\0\""s, "a zero byte is not JSON at byte 1"},
    {R"(["\u0000"])", "U+0000"},
    {R"({"\u0000":1})", "U+0000"},
    {R"("\ud800")", "surrogate"},
    {R"("\ud800x")", "surrogate"},
    {R"("\udc00")", "surrogate"},
    {"\"\xed\xa0\x80\"", "ill-formed UTF-8"},
    {"\"\xc0\x80\"", "ill-formed UTF-8"},
    {"\"\xff\"", "ill-formed UTF-8"},
    {"18446744073709551616", "does not fit into 64 bits"},
    {"-9223372036854775809", "does not fit into 64 bits"},
    {"100000000000000000000", "does not fit into 64 bits"},
    {"1e400", "outside the range of a double"},
    {"[-1e999]", "outside the range of a double"},
    {"NaN", "at byte 1"},
    {"[1,]", "at byte 4"},
    {"{'a':1}", "at byte 2"},
    {"01", "at byte 2"},
    {"// c\n1", "at byte 1"},
    {nested(65), "nested deeper than 64 levels at byte 65"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    auto message = refusal(row.text);
    CAPTURE(message);
    CHECK(message.find(row.message) != std::string::npos);
    CHECK(message.find("at byte ") != std::string::npos);
  }
  CHECK(refusal(nested(64)).empty());
  CHECK(refusal(nested(3), {.max_depth = 2}) != "");
  CHECK(refusal(std::string(1'000'000, '[')) != "");
}

TEST_CASE("integers that canonical JSON wrote for doubles can be read back on request") {
  CHECK(refusal("100000000000000000000", {.canonical_integers = true}).empty());
  CHECK(refusal("18446744073709552000", {.canonical_integers = true}).empty());
  CHECK(refusal("18446744073709551616", {.canonical_integers = true}) != "");
  CHECK(refusal("99999999999999999999", {.canonical_integers = true}) != "");
}
