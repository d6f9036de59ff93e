#include "runtime/api/creation_errors.hpp"

#include "runtime/api/api_error.hpp"
#include "runtime/api/json_writer.hpp"

namespace geartrain {

http_response duplicate_error(const task_id& existing) {
  json_writer details;
  details.begin_array().begin_object().field("task_uuid", existing).end_object().end_array();
  return api_error(409, "CONFLICT", "A task with this identity already exists", details.take());
}

http_response context_error(const problems& found) {
  return problems_error(422, "INVALID_CONTEXT", "the context breaks the template's input_schema", found);
}

} // namespace geartrain
