#pragma once

#include "messages/problem.hpp"
#include "messages/template.hpp"
#include "workflow/template_document.hpp"

#include <string_view>
#include <variant>

namespace geartrain {

/// Parses and validates a template. Gives the complete template (indices, children, ancestors, digest, canonical
/// document) or every problem of the text at once, in the order of its lines; each says where it is and what to do.
/// At most 1000 problems are listed. `line` is set for YAML only.
///
/// The document holds the meaning alone: aliases of keys are resolved, defaults written out, unknown keys left out,
/// dependencies in the order of the steps. So YAML and JSON, comments, the order of keys and their spelling make no
/// difference to the digest; parse_template(document, json) gives the same template again.
/// Pure and thread-safe; throws nothing but std::bad_alloc.
std::variant<task_template, problems> parse_template(std::string_view text, template_format format);

} // namespace geartrain
