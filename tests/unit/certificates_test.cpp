#include "runtime/cluster/certificates.hpp"
#include "runtime/cluster/openssl_handles.hpp"
#include "runtime/cluster/tls.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <ctime>
#include <optional>
#include <utility>

namespace geartrain {
namespace {

pem_pair authority_for_tests() {
  auto made = make_authority();
  REQUIRE(made);
  return *made;
}

pem_pair certificate_of(const pem_pair& authority, const std::string& name = "node-1") {
  auto issued = issue_certificate(authority, name);
  REQUIRE(issued);
  return *issued;
}

x509_handle parsed(const std::string& pem) {
  auto certificate = read_certificate(pem);
  REQUIRE(certificate);
  return std::move(*certificate);
}

std::string why_refused(const pem_pair& own, const std::string& authority) {
  auto context = make_tls_context(own, authority);
  REQUIRE_FALSE(context);
  CHECK(context.error().code == errc::invalid);
  CHECK(context.error().message.find("PRIVATE") == std::string::npos);
  return context.error().message;
}

/// Two ends of a connection in this process.
struct tls_pair {
  tls_pair(const tls_context& client_side, const tls_context& server_side) {
    std::array<int, 2> sockets{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sockets.data()) == 0);
    client_end.emplace(connection(sockets[0], client_side, tls_role::client));
    server_end.emplace(connection(sockets[1], server_side, tls_role::server));
  }

  static tls_connection connection(int socket, const tls_context& context, tls_role role) {
    auto session = tls_session::over(socket, context, role);
    REQUIRE(session);
    return {socket_handle{socket}, std::move(*session)};
  }

  tls_session& client() { return client_end->session; }
  tls_session& server() { return server_end->session; }

  /// What became of both ends.
  std::pair<tls_outcome, tls_outcome> shake_hands() {
    std::pair<tls_outcome, tls_outcome> out;
    for (int i = 0; i < 10; ++i) {
      if (out.first != tls_outcome::failed)
        out.first = client().shake_hands();
      if (out.second != tls_outcome::failed)
        out.second = server().shake_hands();
    }
    return out;
  }

  std::optional<tls_connection> client_end;
  std::optional<tls_connection> server_end;
};

} // namespace

TEST_CASE("certificates: an authority signs for nodes, from yesterday on and for ten years") {
  auto authority = authority_for_tests();
  auto own = certificate_of(authority, "node-1.a_b");
  auto top = parsed(authority.certificate);
  auto leaf = parsed(own.certificate);
  CHECK(X509_check_ca(top.get()) == 1);
  CHECK(X509_check_ca(leaf.get()) == 0);
  CHECK(X509_verify(leaf.get(), X509_get0_pubkey(top.get())) == 1);
  CHECK(X509_check_purpose(leaf.get(), X509_PURPOSE_SSL_SERVER, 0) == 1);
  CHECK(X509_check_purpose(leaf.get(), X509_PURPOSE_SSL_CLIENT, 0) == 1);
  auto now = std::time(nullptr);
  auto in_nine_years = now + 9 * 365 * 86400;
  auto in_eleven_years = now + 11 * 365 * 86400;
  auto an_hour_ago = now - 3600;
  CHECK(X509_cmp_time(X509_get0_notBefore(leaf.get()), &an_hour_ago) < 0);
  CHECK(X509_cmp_time(X509_get0_notAfter(leaf.get()), &in_nine_years) > 0);
  CHECK(X509_cmp_time(X509_get0_notAfter(leaf.get()), &in_eleven_years) < 0);
  CHECK(X509_cmp_time(X509_get0_notAfter(top.get()), &in_eleven_years) > 0);
  std::array<char, 65> name{};
  X509_NAME_get_text_by_NID(X509_get_subject_name(leaf.get()), NID_commonName, name.data(), name.size());
  CHECK(std::string{name.data()} == "node-1.a_b");
}

TEST_CASE("certificates: no two have the same serial number or key") {
  auto authority = authority_for_tests();
  auto first = certificate_of(authority);
  auto second = certificate_of(authority);
  CHECK(first.key != second.key);
  auto a = parsed(first.certificate);
  auto b = parsed(second.certificate);
  CHECK(ASN1_INTEGER_cmp(X509_get0_serialNumber(a.get()), X509_get0_serialNumber(b.get())) != 0);
}

TEST_CASE("certificates: names that are too long or empty, and broken authorities, are refused") {
  auto authority = authority_for_tests();
  CHECK(issue_certificate(authority, std::string(64, 'a')));
  for (const auto& name : {std::string{}, std::string(65, 'a')}) {
    auto issued = issue_certificate(authority, name);
    REQUIRE_FALSE(issued);
    CHECK(issued.error().code == errc::invalid);
  }
  auto other = authority_for_tests();
  for (const auto& wrong : {pem_pair{}, pem_pair{authority.certificate, "x"},
                            pem_pair{authority.certificate, other.key}, pem_pair{"x", authority.key}}) {
    auto issued = issue_certificate(wrong, "node-1");
    REQUIRE_FALSE(issued);
    CHECK(issued.error().code == errc::invalid);
    CHECK_FALSE(issued.error().message.empty());
  }
}

TEST_CASE("tls: what peers would refuse is found before there is one") {
  auto authority = authority_for_tests();
  auto other = authority_for_tests();
  auto own = certificate_of(authority);
  CHECK(make_tls_context(own, authority.certificate));
  CHECK(make_tls_context(own, other.certificate + authority.certificate));
  CHECK(why_refused(own, other.certificate).find("other nodes would refuse the certificate") != std::string::npos);
  CHECK(why_refused({own.certificate, other.key}, authority.certificate).find("belong together") != std::string::npos);
  CHECK(why_refused({"", own.key}, authority.certificate).find("certificate") != std::string::npos);
  CHECK(why_refused({own.certificate, ""}, authority.certificate).find("private key") != std::string::npos);
  CHECK(why_refused(own, "").starts_with("authority: "));
  CHECK(why_refused(own, authority.certificate + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
          .starts_with("authority: "));
}

TEST_CASE("tls: nodes of one cluster meet, others don't, and the refusal harms no other connection of the thread") {
  auto authority = authority_for_tests();
  auto stranger = authority_for_tests();
  auto first = make_tls_context(certificate_of(authority), authority.certificate);
  auto second = make_tls_context(certificate_of(authority), authority.certificate);
  auto third = make_tls_context(certificate_of(stranger), stranger.certificate);
  REQUIRE(first);
  REQUIRE(second);
  REQUIRE(third);

  tls_pair good{*first, *second};
  CHECK(good.shake_hands() == std::pair{tls_outcome::done, tls_outcome::done});
  tls_pair bad{*third, *second};
  CHECK(bad.shake_hands() == std::pair{tls_outcome::failed, tls_outcome::failed});
  CHECK(bad.client().why_failed().find("certificate is refused") != std::string::npos);
  CHECK_FALSE(bad.server().why_failed().empty());

  std::array<char, 16> buffer{};
  std::size_t count = 0;
  CHECK(good.server().read(buffer.data(), buffer.size(), count) == tls_outcome::wants_read);
  CHECK(good.client().write("hello", 5, count) == tls_outcome::done);
  CHECK(good.server().read(buffer.data(), 2, count) == tls_outcome::done);
  CHECK(count == 2);
  CHECK(good.server().pending() == 3);

  // The peer is gone: neither reading nor writing may end the process.
  good.client_end.reset();
  CHECK(good.server().read(buffer.data(), 3, count) == tls_outcome::done);
  CHECK(good.server().write("hello", 5, count) == tls_outcome::failed);
  CHECK(good.server().read(buffer.data(), 3, count) == tls_outcome::failed);
}

} // namespace geartrain
