#pragma once

#include "messages/expected.hpp"

#include <string>

namespace geartrain {

/// A certificate and its private key, as PEM. The key is a secret: it must never reach a log or an answer.
struct pem_pair {
  std::string certificate;
  std::string key;
};

/// A new private authority of one cluster: a self-signed P-256 certificate, good for 20 years. Thread-safe.
/// Errors: unhandled.
expected<pem_pair> make_authority();

/// A new key and a certificate of that authority for it, for both sides of a connection, good for 10 years and from
/// yesterday on, since clocks differ. `name` (1 to 64 characters) is for people. Thread-safe.
/// Errors: invalid (the authority or the name), unhandled.
expected<pem_pair> issue_certificate(const pem_pair& authority, const std::string& name);

} // namespace geartrain
