#pragma once

#include "messages/expected.hpp"
#include "workflow/templates/template_document.hpp"

#include <string>
#include <string_view>

namespace geartrain {

/// The value of a YAML scalar by the core schema of YAML 1.2. `tag` is as yaml-cpp reports it: "?" for plain, "!" for
/// quoted and block scalars, else an explicit tag. The node has no line. Pure and thread-safe.
/// Errors: errc::invalid with what to do, for unknown tags and for numbers that JSON can't hold.
expected<document_node> resolve_scalar(std::string_view tag, const std::string& text);

} // namespace geartrain
