#include "workflow/lease_token.hpp"

#include <doctest/doctest.h>

using namespace geartrain;

namespace {

lease_token sample() {
  lease_token token;
  token.step = make_step_id(make_task_id(milliseconds{1700000000000}, 0x0123456789abcdef), 7);
  token.attempt = 3;
  token.yields = 0xfffe;
  token.epoch = 0xdeadbeef;
  token.nonce = 0xfedcba9876543210;
  token.expires_at = timestamp{std::chrono::microseconds{1700000030000001}};
  return token;
}

} // namespace

TEST_CASE("a token survives its text") {
  token_mint mint{"a secret"};
  auto text = mint.encode(sample());
  CHECK(text.size() == 64);
  auto back = mint.decode(text);
  REQUIRE(back);
  CHECK(*back == sample());
}

TEST_CASE("a changed character, another secret, or another length is a forgery") {
  token_mint mint{"a secret"};
  auto text = mint.encode(sample());
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto forged = text;
    forged[i] = forged[i] == 'A' ? 'B' : 'A';
    CHECK_FALSE(mint.decode(forged));
  }
  CHECK_FALSE(token_mint{"another secret"}.decode(text));
  CHECK_FALSE(mint.decode(text.substr(1)));
  CHECK_FALSE(mint.decode(text + "A"));
  CHECK_FALSE(mint.decode(""));
  CHECK_FALSE(mint.decode(std::string(62, '!')));
}
