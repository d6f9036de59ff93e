#pragma once

#include "messages/expected.hpp"

#include <functional>
#include <string>

namespace geartrain {

/// The private certificate authority of a cluster: its nodes trust certificates that it signed.
struct authority_pem {
  std::string certificate;
  std::string key;

  friend bool operator==(const authority_pem&, const authority_pem&) = default;
};

/// The authority that the database keeps. If it has none yet, makes one and stores it; of several nodes that do so at once
/// all get the one that was stored first. Blocking; safe to call concurrently. Errors: those of `make`; storage (no schema
/// yet, or half of an authority), unavailable.
expected<authority_pem> load_or_store_authority(const std::string& dsn,
                                                const std::function<expected<authority_pem>()>& make);

} // namespace geartrain
