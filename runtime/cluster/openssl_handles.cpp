#include "runtime/cluster/openssl_handles.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>

namespace geartrain {

namespace {

// Without it OpenSSL would ask at the terminal.
int no_password(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*context*/) {
  return -1;
}

bio_handle reader_of(const std::string& text) {
  return bio_handle{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
}

} // namespace

failure openssl_failure(errc code, const std::string& attempted) {
  auto error = ERR_peek_last_error();
  auto reason = error == 0 ? nullptr : ERR_reason_error_string(error);
  ERR_clear_error();
  return failure{code, attempted + ": " + (reason != nullptr ? reason : "no reason given")};
}

expected<x509_handle> read_certificate(const std::string& pem) {
  ERR_clear_error();
  auto bio = reader_of(pem);
  x509_handle certificate{bio ? PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr) : nullptr};
  if (!certificate)
    return openssl_failure(errc::invalid, "can't read the certificate");
  return certificate;
}

expected<evp_key_handle> read_private_key(const std::string& pem) {
  ERR_clear_error();
  auto bio = reader_of(pem);
  evp_key_handle key{bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr) : nullptr};
  if (!key)
    return openssl_failure(errc::invalid, "can't read the private key");
  return key;
}

} // namespace geartrain
