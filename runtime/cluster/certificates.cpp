#include "runtime/cluster/certificates.hpp"

#include "runtime/cluster/openssl_handles.hpp"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <initializer_list>
#include <optional>
#include <utility>

namespace geartrain {

namespace {

constexpr int days_before_now = 1;
constexpr int authority_days = 20 * 365;
constexpr int certificate_days = 10 * 365;
constexpr int serial_bits = 127; // the most that stays positive in 16 bytes

using extension_list = std::initializer_list<std::pair<int, const char*>>;

bool set_random_serial(X509& certificate) {
  bignum_handle serial{BN_new()};
  return serial && BN_rand(serial.get(), serial_bits, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(&certificate)) != nullptr;
}

bool set_validity(X509& certificate, int days) {
  return X509_time_adj_ex(X509_getm_notBefore(&certificate), -days_before_now, 0, nullptr) != nullptr &&
         X509_time_adj_ex(X509_getm_notAfter(&certificate), days, 0, nullptr) != nullptr;
}

bool set_name(X509& certificate, const std::string& name) {
  auto text = reinterpret_cast<const unsigned char*>(name.data());
  return X509_NAME_add_entry_by_txt(X509_get_subject_name(&certificate), "CN", MBSTRING_UTF8, text,
                                    static_cast<int>(name.size()), -1, 0) == 1;
}

bool add_extensions(X509& certificate, X509& issuer, extension_list extensions) {
  X509V3_CTX context{};
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, &issuer, &certificate, nullptr, nullptr, 0);
  for (auto [kind, value] : extensions) {
    x509_extension_handle extension{X509V3_EXT_conf_nid(nullptr, &context, kind, value)};
    if (!extension || X509_add_ext(&certificate, extension.get(), -1) != 1)
      return false;
  }
  return true;
}

template <class Write>
std::optional<std::string> written(Write write) {
  bio_handle bio{BIO_new(BIO_s_mem())};
  if (!bio || write(bio.get()) != 1)
    return std::nullopt;
  char* data = nullptr;
  auto size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

expected<pem_pair> as_pem(X509& certificate, EVP_PKEY& key) {
  auto first = written([&](BIO* out) { return PEM_write_bio_X509(out, &certificate); });
  auto second =
    written([&](BIO* out) { return PEM_write_bio_PKCS8PrivateKey(out, &key, nullptr, nullptr, 0, nullptr, nullptr); });
  if (!first || !second)
    return openssl_failure(errc::unhandled, "can't write a certificate");
  return pem_pair{std::move(*first), std::move(*second)};
}

/// `issuer` and its key are null for a certificate that signs itself.
expected<pem_pair> make_certificate(const std::string& name, int days, X509* issuer, EVP_PKEY* issuer_key,
                                    extension_list extensions) {
  evp_key_handle key{EVP_EC_gen("P-256")};
  x509_handle certificate{X509_new()};
  if (!key || !certificate)
    return openssl_failure(errc::unhandled, "can't make a key");
  auto& by = issuer != nullptr ? *issuer : *certificate;
  bool made = X509_set_version(certificate.get(), X509_VERSION_3) == 1 && set_random_serial(*certificate) &&
              set_validity(*certificate, days) && set_name(*certificate, name) &&
              X509_set_pubkey(certificate.get(), key.get()) == 1 &&
              X509_set_issuer_name(certificate.get(), X509_get_subject_name(&by)) == 1 &&
              add_extensions(*certificate, by, extensions) &&
              X509_sign(certificate.get(), issuer_key != nullptr ? issuer_key : key.get(), EVP_sha256()) > 0;
  if (!made)
    return openssl_failure(errc::unhandled, "can't make a certificate");
  return as_pem(*certificate, *key);
}

} // namespace

expected<pem_pair> make_authority() {
  ERR_clear_error();
  return make_certificate("Geartrain cluster authority", authority_days, nullptr, nullptr,
                          {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                           {NID_key_usage, "critical,keyCertSign,cRLSign"},
                           {NID_subject_key_identifier, "hash"}});
}

expected<pem_pair> issue_certificate(const pem_pair& authority, const std::string& name) {
  if (name.empty() || name.size() > 64)
    return failure{errc::invalid, "the name in a certificate has 1 to 64 characters"};
  auto issuer = read_certificate(authority.certificate);
  if (!issuer)
    return issuer.error();
  auto issuer_key = read_private_key(authority.key);
  if (!issuer_key)
    return issuer_key.error();
  if (X509_check_private_key(issuer->get(), issuer_key->get()) != 1)
    return openssl_failure(errc::invalid, "the certificate of the authority and its key don't belong together");
  return make_certificate(name, certificate_days, issuer->get(), issuer_key->get(),
                          {{NID_basic_constraints, "critical,CA:FALSE"},
                           {NID_key_usage, "critical,digitalSignature"},
                           {NID_ext_key_usage, "serverAuth,clientAuth"},
                           {NID_subject_key_identifier, "hash"},
                           {NID_authority_key_identifier, "keyid:always"}});
}

} // namespace geartrain
