#include "workflow/canonical_json.hpp"
#include "workflow/identity.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace geartrain;

TEST_CASE("identities are stored: these values must never change") {
  CHECK(to_hex(identity_hash("billing", "checkout", "{}")) ==
        "fd408e9242df5c21734a8215a52e8c771bcb396e5c30a4211757d26425ca8194");
  CHECK(to_hex(identity_hash("billing", "checkout", "{\"\u00e4\":\"\u20ac\",\"lines\":[1,null],\"amount\":12.5}")) ==
        "97722f2c404a74b33bd4106f4a66d082165b55666eefc5598bec3e62692f170e");
  CHECK(to_hex(identity_hash_of_key("billing", "checkout", "order-17")) ==
        "d0dc43aa33fd5135be168837eebaae121751945b1bdf36d68ca31f6acfcabf34");
  CHECK(identity_hash("billing", "checkout", "{}").size() == 32);
}

TEST_CASE("the spelling of a context makes no difference, its content does") {
  auto hash = [](std::string_view context) { return identity_hash("n", "t", context); };
  auto same = hash(R"({"a":1,"b":{"x":"\u00e4","y":[1.50,true]}})");
  CHECK(hash(" {\"b\": {\"y\": [1.5, true], \"x\": \"\u00e4\"}, \"a\": 1.0}\n") == same);
  CHECK(hash(R"({"a":0,"b":{"x":"ä","y":[15e-1,true]},"a":1})") == same);

  const std::set<std::string> different{
    same,
    hash("{}"),
    hash(R"({"a":1})"),
    hash(R"({"a":"1"})"),
    hash(R"({"a":[1]})"),
    hash(R"({"a":null})"),
    hash(R"({"a":9007199254740993})"),
    hash(R"({"a":9007199254740992})"),
    hash(R"({"a":[1,2]})"),
    hash(R"({"a":[2,1]})"),
    identity_hash("n2", "t", "{}"),
    identity_hash("n", "t2", "{}"),
    identity_hash("nt", "", "{}"),
    identity_hash("", "nt", "{}"),
    identity_hash_of_key("n", "t", "{}"),
    identity_hash_of_key("n", "t", "k"),
    identity_hash_of_key("n", "tk", ""),
    hash("not json"),
  };
  CHECK(different.size() == 18);
  CHECK(hash("not json") == hash("not json"));
}
