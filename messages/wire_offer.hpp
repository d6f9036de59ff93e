#pragma once

#include "messages/peer.hpp"
#include "messages/wire_task.hpp"
#include "messages/wire_worker.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

// Offered steps on the wire. The steps of one task share its input, and the results of what they all depend on: each is
// written once, the steps name it by position, and whoever reads them shares it again.

namespace geartrain {

template <>
struct wire::values<dependency_result::kind>
  : from_to<dependency_result::kind::completed, dependency_result::kind::failed> {};

namespace wire {

/// What all steps of a task have from it.
struct offer_origin {
  template_snapshot definition;
  input_snapshot input;
};

struct packed_dependency {
  std::uint16_t definition = 0;
  dependency_result::kind is = dependency_result::kind::completed;
  position value; ///< as the texts of packed_step
  std::string instance;
};

struct packed_step {
  position origin; ///< in packed_offer::origins
  step_id id;
  std::uint16_t definition_index = 0;
  std::string instance;
  std::uint16_t attempt = 1;
  std::uint16_t yields = 0;
  std::vector<packed_dependency> dependencies;
  position inputs; ///< 1 + index in packed_offer::texts; 0: absent
  position checkpoint;
  position previous_error;
  timestamp ready_at;
  lease held;
};

struct packed_offer {
  std::uint64_t poll_id = 0;
  std::vector<offer_origin> origins;
  std::vector<json_text> texts;
  std::vector<packed_step> steps;
};

/// Nothing if a step lacks what every step has.
std::optional<packed_offer> pack(const steps_offered& offer);

/// Nothing if a position leads nowhere.
std::optional<steps_offered> unpack(packed_offer packed);

template <format F>
caf::error inspect(F& f, offer_origin& x) {
  return fields(f, x.definition, x.input);
}

template <format F>
caf::error inspect(F& f, packed_dependency& x) {
  return fields(f, x.definition, x.is, x.value, x.instance);
}

template <format F>
caf::error inspect(F& f, packed_step& x) {
  return fields(f, x.origin, x.id, x.definition_index, x.instance, x.attempt, x.yields, x.dependencies, x.inputs,
                x.checkpoint, x.previous_error, x.ready_at, x.held);
}

template <format F>
caf::error inspect(F& f, packed_offer& x) {
  return fields(f, x.poll_id, x.origins, x.texts, x.steps);
}

} // namespace wire

template <wire::format F>
caf::error inspect(F& f, steps_offered& x) {
  if constexpr (wire::loading<F>) {
    wire::packed_offer packed;
    if (auto problem = wire::fields(f, packed))
      return problem;
    auto offer = wire::unpack(std::move(packed));
    if (!offer)
      return wire::refused("a position");
    x = std::move(*offer);
    return caf::none;
  } else {
    auto packed = wire::pack(x);
    return packed ? wire::fields(f, *packed) : wire::refused("a step without its task");
  }
}

} // namespace geartrain
