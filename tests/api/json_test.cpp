#include "runtime/api/json_view.hpp"
#include "runtime/api/json_writer.hpp"
#include "runtime/http/http_date.hpp"
#include "runtime/http/json_escape.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <limits>

using namespace geartrain;

TEST_CASE("json_writer separates values and splices JSON as it stands") {
  json_writer out;
  out.begin_object().field("a", 1).field("b", "x\"y").field("c", true).field("d", 1.5);
  out.key("e").begin_array().value(-3).null().raw(R"({"z": 1.0})").begin_object().end_object().end_array();
  out.field("f", std::optional<int>{}).field("g", json_text{"[1, 2]"}).field("h", json_text{});
  out.field("i", std::numeric_limits<double>::infinity()).field("j", std::numeric_limits<std::uint64_t>::max());
  CHECK(out.end_object().take() ==
        R"({"a":1,"b":"x\"y","c":true,"d":1.5,"e":[-3,null,{"z": 1.0},{}],"f":null,"g":[1, 2],"h":null,)"
        R"("i":null,"j":18446744073709551615})");
  CHECK(out.begin_array().end_array().take() == "[]");
}

TEST_CASE("strings are escaped, and what is not UTF-8 becomes U+FFFD") {
  auto escaped = [](std::string_view text) {
    std::string out;
    append_json_string(out, text);
    return out;
  };
  CHECK(escaped("a\"b\\c\n\r\t\x01\x7f") == "\"a\\\"b\\\\c\\n\\r\\t\\u0001\x7f\"");
  CHECK(escaped("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80") == "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"");
  for (std::string_view broken : {"\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82"}) {
    auto text = escaped(broken);
    CHECK(nlohmann::json::accept(text));
    CHECK(text.find("\xef\xbf\xbd") != std::string::npos);
  }
  CHECK(escaped(std::string_view{"\0", 1}) == "\"\\u0000\"");
}

TEST_CASE("timestamps have six digits and a Z") {
  using namespace std::chrono;
  CHECK(format_timestamp(timestamp{}) == "1970-01-01T00:00:00.000000Z");
  CHECK(format_timestamp(timestamp{sys_days{year{2024} / 2 / 29}} + hours{23} + microseconds{7}) ==
        "2024-02-29T23:00:00.000007Z");
  CHECK(format_timestamp(timestamp{microseconds{-1}}) == "1969-12-31T23:59:59.999999Z");
}

TEST_CASE("json_view gives parts exactly as they were written") {
  json_view view{
    R"( {"a" : {"x": [1, 2.50, "}"]} , "b":[ ], "\u0063\n":"\ud83d\ude00\"\\\/" , "a2":1e3,"t":true, "a": -7} )"};
  auto members = view.members();
  REQUIRE(members.size() == 6);
  CHECK(members[0].second.text() == R"({"x": [1, 2.50, "}"]})");
  CHECK(members[1].second.elements().empty());
  CHECK(members[2].first == "c\n");
  CHECK(members[2].second.as_string() == "\xf0\x9f\x98\x80\"\\/");
  CHECK(members[3].second.as_number() == 1000.0);
  CHECK(!members[3].second.as_integer());
  CHECK(view.member("t")->as_bool() == true);
  CHECK(view.member("a")->as_integer() == -7);
  CHECK(!view.member("nothing"));
  auto elements = members[0].second.member("x")->elements();
  REQUIRE(elements.size() == 3);
  CHECK(elements[1].text() == "2.50");
  CHECK(elements[2].as_string() == "}");
  CHECK(!json_view{"18446744073709551615"}.as_integer());
  CHECK(json_view{}.is_null());
}

TEST_CASE("json_view never reads outside of text that nobody checked") {
  for (std::string_view text : {"{", "[", "{\"", "{\"a", "{\"a\"", "{\"a\":", "[1,", "\"\\", "\"\\u12", "[\"\\ud83d\"]",
                                "}", ",", "{]", "[[[", "{\"a\":\"\\", "{:,}", "[,]", "\""}) {
    json_view view{text};
    view.members();
    view.elements();
    view.as_string();
    view.as_integer();
    json_depth(text);
  }
  CHECK(json_depth("1") == 0);
  CHECK(json_depth("{}") == 1);
  CHECK(json_depth(R"({"a":[[1],"[[[["]})") == 3);
}

TEST_CASE("HTTP dates come in three forms") {
  using namespace std::chrono;
  sys_seconds expected = sys_days{year{1994} / 11 / 6} + hours{8} + minutes{49} + seconds{37};
  CHECK(format_http_date(expected) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == expected);
  CHECK(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT") == expected);
  CHECK(parse_http_date("Sun Nov  6 08:49:37 1994") == expected);
  for (const auto* bad : {"", "5", "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT",
                          "Sun, 06 Nov 1994 25:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT+1"})
    CHECK(!parse_http_date(bad));
}
