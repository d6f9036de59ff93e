#include "workflow/templates/schema_rules.hpp"

namespace geartrain {

bool schema_rules::empty() const {
  return types.empty() && !minimum && !maximum && !exclusive_minimum && !exclusive_maximum && !multiple_of &&
         !pattern && format.empty() && !unique_items && one_of_values.is_null() && forbidden.empty();
}

} // namespace geartrain
