#pragma once

#include "messages/expected.hpp"

#include <caf/error.hpp>

namespace geartrain {

/// Category "geartrain" of caf::error; found by argument-dependent look-up.
caf::error make_error(errc code);
caf::error make_error(errc code, std::string message);

/// Back from an error that crossed an actor border. Errors of CAF itself become `dropped` (the peer died) or `unhandled`.
failure to_failure(const caf::error& error);

} // namespace geartrain
