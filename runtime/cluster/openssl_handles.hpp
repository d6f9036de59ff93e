#pragma once

#include "messages/expected.hpp"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

namespace geartrain {

template <auto Free>
struct openssl_free {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};

using bio_handle = std::unique_ptr<BIO, openssl_free<BIO_free_all>>;
using bignum_handle = std::unique_ptr<BIGNUM, openssl_free<BN_free>>;
using evp_key_handle = std::unique_ptr<EVP_PKEY, openssl_free<EVP_PKEY_free>>;
using x509_handle = std::unique_ptr<X509, openssl_free<X509_free>>;
using x509_extension_handle = std::unique_ptr<X509_EXTENSION, openssl_free<X509_EXTENSION_free>>;

/// What was attempted, with the newest reason of OpenSSL's queue of this thread, which is empty afterwards.
failure openssl_failure(errc code, const std::string& attempted);

/// The texts of PEM, read. Errors: invalid. An encrypted key is refused: there is nobody to ask for its password.
expected<x509_handle> read_certificate(const std::string& pem);
expected<evp_key_handle> read_private_key(const std::string& pem);

} // namespace geartrain
