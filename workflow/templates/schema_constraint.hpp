#pragma once

// valijson aborts the process on a broken schema unless it is told to throw; every file that uses it includes this one.
#define VALIJSON_USE_EXCEPTIONS 1

#include "workflow/templates/schema_rules.hpp"

#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/constraint_builder.hpp>
#include <valijson/constraints/concrete_constraints.hpp>
#include <valijson/validation_results.hpp>

#include <memory>
#include <string>
#include <vector>

namespace geartrain {

/// Our own rules as a constraint in valijson's tree. Immutable.
class rules_constraint : public valijson::constraints::PolyConstraint {
public:
  explicit rules_constraint(std::shared_ptr<const schema_rules> rules) : rules_(std::move(rules)) {}

  /// Reports each broken rule with what to do.
  bool validate(const valijson::adapters::Adapter& target, const std::vector<std::string>& context,
                valijson::ValidationResults* results) const override;

private:
  valijson::constraints::Constraint* cloneInto(void* place) const override;
  std::size_t sizeOf() const override { return sizeof(rules_constraint); }

  std::shared_ptr<const schema_rules> rules_;
};

/// Makes the constraints out of the numbers behind `rules_keyword`.
class rules_builder : public valijson::ConstraintBuilder {
public:
  explicit rules_builder(std::vector<std::shared_ptr<const schema_rules>> rules) : rules_(std::move(rules)) {}

  valijson::constraints::Constraint* make(const valijson::adapters::Adapter& number) const override;

private:
  std::vector<std::shared_ptr<const schema_rules>> rules_;
};

} // namespace geartrain
