#pragma once

#include "messages/json_text.hpp"
#include "messages/problem.hpp"

#include <memory>
#include <string_view>
#include <variant>

namespace geartrain {

/// A compiled JSON Schema (draft 7) that contexts are checked against. Immutable: validate() may run on any number of
/// threads at once. It makes no I/O: a $ref may only point into the schema itself.
///
/// Differs from the draft where a server must not be hurt by what it is sent: patterns may have 1000 characters and no
/// back-references and look-aheads, so that they match in linear time; schemas that refer to themselves without going
/// deeper into the value are refused; the patterns of patternProperties must be simple (no repeated group, at most two
/// open repeats) and the names that they are matched against have at most 255 characters. `format` checks date, time, date-time and uuid, and takes everything for the other names.
class context_validator {
public:
  virtual ~context_validator() = default;

  /// Compiles a schema, or tells every problem of it; paths are JSON pointers into the schema. An absent schema accepts
  /// any object.
  static std::variant<std::shared_ptr<const context_validator>, problems> compile(const json_text& schema);

  /// What is wrong with the context; empty if it is fine. Paths are JSON pointers into the context ("" is the context
  /// itself). At most 100 problems are listed.
  virtual problems validate(std::string_view context_json) const = 0;

protected:
  context_validator() = default;
};

} // namespace geartrain
