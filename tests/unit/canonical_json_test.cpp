#include "workflow/canonical_json.hpp"
#include "workflow/strict_json.hpp"

#include <doctest/doctest.h>

#include <bit>
#include <limits>
#include <string>

using namespace geartrain;

TEST_CASE("RFC 8785, appendix B: numbers as ECMAScript prints them") {
  struct row {
    std::uint64_t bits;
    std::string text;
  };
  const row rows[] = {
    {0x0000000000000000, "0"},
    {0x8000000000000000, "0"},
    {0x0000000000000001, "5e-324"},
    {0x8000000000000001, "-5e-324"},
    {0x7fefffffffffffff, "1.7976931348623157e+308"},
    {0xffefffffffffffff, "-1.7976931348623157e+308"},
    {0x4340000000000000, "9007199254740992"},
    {0xc340000000000000, "-9007199254740992"},
    {0x4430000000000000, "295147905179352830000"},
    {0x44b52d02c7e14af5, "9.999999999999997e+22"},
    {0x44b52d02c7e14af6, "1e+23"},
    {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
    {0x444b1ae4d6e2ef4e, "999999999999999700000"},
    {0x444b1ae4d6e2ef4f, "999999999999999900000"},
    {0x444b1ae4d6e2ef50, "1e+21"},
    {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
    {0x3eb0c6f7a0b5ed8d, "0.000001"},
    {0x41b3de4355555553, "333333333.3333332"},
    {0x41b3de4355555554, "333333333.33333325"},
    {0x41b3de4355555555, "333333333.3333333"},
    {0x41b3de4355555556, "333333333.3333334"},
    {0x41b3de4355555557, "333333333.33333343"},
    {0xbecbf647612f3696, "-0.0000033333333333333333"},
    {0x43143ff3c1cb0959, "1424953923781206.2"},
  };
  for (const auto& row : rows)
    CHECK(canonical_number(std::bit_cast<double>(row.bits)) == row.text);
  CHECK(canonical_number(1) == "1");
  CHECK(canonical_number(-10) == "-10");
  CHECK(canonical_number(4.50) == "4.5");
  CHECK(canonical_number(2e-3) == "0.002");
  CHECK(canonical_number(1e-27) == "1e-27");
  CHECK(canonical_number(1e30) == "1e+30");
}

TEST_CASE("canonical JSON") {
  struct row {
    std::string text;
    std::string canonical;
  };
  const row rows[] = {
    // RFC 8785, section 3.2.2 and 3.2.3
    {R"({"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],)"
     R"("string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]})",
     "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
     "\"string\":\"\u20ac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"},
    {R"({"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One",)"
     R"("\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"})",
     "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\",\"\u00f6\":\"Latin Small Letter O With "
     "Diaeresis\",\"\u20ac\":\"Euro Sign\",\"\U0001F600\":\"Emoji: Grinning Face\",\"\ufb33\":\"Hebrew Letter Dalet "
     "With Dagesh\"}"},
    {" { \"b\" : [ 1 , 1.0 , 1e0 ] , \"a\" : { } } ", R"({"a":{},"b":[1,1,1]})"},
    {R"(["\b\f\n\r\t\u0000x"])", ""},
    {R"(["\b\f\n\r\t\u001f\u007f\u2028"])", "[\"\\b\\f\\n\\r\\t\\u001f\x7f\u2028\"]"},
    {R"({"aa":1,"a":2,"":3})", R"({"":3,"a":2,"aa":1})"},
    {"-0.0", "0"},
    // beyond the RFC: 64-bit integers keep their digits
    {"[9007199254740993,9007199254740992]", "[9007199254740993,9007199254740992]"},
    {"[-9223372036854775808,18446744073709551615]", "[-9223372036854775808,18446744073709551615]"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    auto value = parse_strict_json(row.text);
    REQUIRE(static_cast<bool>(value) != row.canonical.empty());
    if (!value)
      continue;
    CHECK(canonical_json(*value) == row.canonical);
    auto again = parse_strict_json(row.canonical, {.canonical_integers = true});
    REQUIRE(again);
    CHECK(canonical_json(*again) == row.canonical);
  }
}

TEST_CASE("SHA-256 and hexadecimal: FIPS 180-2 vectors") {
  CHECK(to_hex(sha256("")) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(to_hex(sha256("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(to_hex(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")) ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(to_hex(sha256(std::string(1'000'000, 'a'))) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  CHECK(to_hex(std::string("\x00\xff\x1a", 3)) == "00ff1a");
}
