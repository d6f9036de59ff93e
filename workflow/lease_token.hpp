#pragma once

#include "messages/worker.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace geartrain {

/// Turns lease tokens into opaque text and back. The text carries a keyed checksum (the first 8 bytes of HMAC-SHA-256),
/// so that a token that no node of this cluster issued is told from one that is merely outdated. Thread-safe.
///
/// Layout before base64url (48 bytes, big-endian): step id 16, attempt 2, yields 2, epoch 4, expires_at in microseconds 8,
/// nonce 8, checksum 8.
class token_mint {
public:
  explicit token_mint(std::string secret);

  std::string encode(const lease_token& token) const;

  /// Nothing if the text is malformed or forged.
  std::optional<lease_token> decode(std::string_view text) const;

private:
  std::uint64_t checksum(std::string_view bytes) const;

  std::string secret_;
};

} // namespace geartrain
