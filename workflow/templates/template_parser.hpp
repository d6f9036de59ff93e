#pragma once

#include "messages/problem.hpp"
#include "messages/template.hpp"
#include "workflow/templates/template_document.hpp"

#include <string_view>
#include <variant>

namespace geartrain {

/// Parses and validates a template. Gives the complete template (with links, order, digest and canonical document) or
/// every problem of the text at once, in the order of its lines; each says where it is and what to do. At most 1000
/// problems are listed. `line` is set for YAML only.
///
/// The document holds the meaning alone: aliases of keys are resolved, defaults written out, unknown keys left out,
/// dependencies in the order of the steps. So YAML and JSON, comments, the order of keys and their spelling make no
/// difference to the digest; parse_template(document, json) gives the same template again.
///
/// With the name of an environment the steps are what they are there: the template's overrides are applied, those for ALL
/// steps first. An environment that the template does not mention changes nothing. Digest and document are always those
/// of the whole template.
/// Pure and thread-safe; throws nothing but std::bad_alloc.
std::variant<task_template, problems> parse_template(std::string_view text, template_format format,
                                                     std::string_view environment = "");

} // namespace geartrain
