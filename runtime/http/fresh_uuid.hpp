#pragma once

#include "messages/uuid.hpp"

namespace geartrain {

/// A new UUIDv7 of now. Thread-safe: each thread has its own generator, seeded by the system.
uuid fresh_uuid();

} // namespace geartrain
