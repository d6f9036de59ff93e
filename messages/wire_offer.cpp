#include "messages/wire_offer.hpp"

#include <map>
#include <unordered_map>

namespace geartrain::wire {

namespace {

/// Gives everything that is shared by pointer its position, the same one each time it is seen.
class packer {
public:
  explicit packer(packed_offer& out) : out_(out) {}

  position origin(const ready_step& step) {
    auto [known, is_new] =
      origins_.try_emplace({step.definition.operator->(), step.input.operator->()}, out_.origins.size());
    if (is_new)
      out_.origins.push_back({step.definition, step.input});
    return {known->second};
  }

  position text(const json_text& text) {
    if (!text)
      return {};
    auto [known, is_new] = texts_.try_emplace(text.view().data(), out_.texts.size() + 1);
    if (is_new)
      out_.texts.push_back(text);
    return {known->second};
  }

private:
  packed_offer& out_;
  std::map<std::pair<const task_template*, const task_input*>, std::size_t> origins_;
  std::unordered_map<const char*, std::size_t> texts_; ///< by where the characters are
};

packed_step pack(const leased_step& leased, packer& shared) {
  auto& step = *leased.step;
  packed_step out;
  out.origin = shared.origin(step);
  out.id = step.id;
  out.definition_index = step.definition_index;
  out.instance = step.instance;
  out.attempt = step.attempt;
  out.yields = step.yields;
  out.dependencies.reserve(step.dependency_results.size());
  for (auto& result : step.dependency_results)
    out.dependencies.push_back({result.definition, result.is, shared.text(result.value), result.instance});
  out.inputs = shared.text(step.inputs);
  out.checkpoint = shared.text(step.checkpoint);
  out.previous_error = shared.text(step.previous_error);
  out.ready_at = step.ready_at;
  out.held = leased.held;
  return out;
}

/// Follows positions that somebody else wrote.
class unpacker {
public:
  explicit unpacker(const packed_offer& in) : in_(in) {}

  offer_origin origin(position where) {
    if (where.at < in_.origins.size())
      return in_.origins[where.at];
    astray_ = true;
    return {};
  }

  json_text text(position where) {
    if (where.at == 0)
      return {};
    if (where.at <= in_.texts.size())
      return in_.texts[where.at - 1];
    astray_ = true;
    return {};
  }

  bool astray() const { return astray_; }

private:
  const packed_offer& in_;
  bool astray_ = false;
};

leased_step unpack(packed_step& packed, unpacker& shared) {
  auto step = std::make_shared<ready_step>();
  auto origin = shared.origin(packed.origin);
  step->id = packed.id;
  step->definition_index = packed.definition_index;
  step->instance = std::move(packed.instance);
  step->attempt = packed.attempt;
  step->yields = packed.yields;
  step->definition = std::move(origin.definition);
  step->input = std::move(origin.input);
  step->dependency_results.reserve(packed.dependencies.size());
  for (auto& one : packed.dependencies)
    step->dependency_results.push_back({one.definition, one.is, shared.text(one.value), std::move(one.instance)});
  step->inputs = shared.text(packed.inputs);
  step->checkpoint = shared.text(packed.checkpoint);
  step->previous_error = shared.text(packed.previous_error);
  step->ready_at = packed.ready_at;
  return {std::move(step), std::move(packed.held)};
}

} // namespace

std::optional<packed_offer> pack(const steps_offered& offer) {
  packed_offer out;
  packer shared{out};
  out.poll_id = offer.poll_id;
  out.steps.reserve(offer.steps.size());
  for (auto& leased : offer.steps) {
    if (!leased.step || !leased.step->definition || !leased.step->input)
      return std::nullopt;
    out.steps.push_back(pack(leased, shared));
  }
  return out;
}

std::optional<steps_offered> unpack(packed_offer packed) {
  steps_offered out;
  unpacker shared{packed};
  out.poll_id = packed.poll_id;
  out.steps.reserve(packed.steps.size());
  for (auto& step : packed.steps)
    out.steps.push_back(unpack(step, shared));
  if (shared.astray())
    return std::nullopt;
  return out;
}

} // namespace geartrain::wire
