#pragma once

#include "workflow/templates/template_document.hpp"

namespace geartrain {

/// Reads exactly one YAML document; the limits and rules are those of read_document. Thread-safe.
std::variant<document_node, problems> read_yaml(std::string_view text);

} // namespace geartrain
