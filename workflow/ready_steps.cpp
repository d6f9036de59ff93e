#include "workflow/outcomes.hpp"
#include "workflow/turn.hpp"

namespace geartrain {

namespace {

void add_result(const task_context& context, std::uint16_t number, ready_step& ready) {
  auto& step = context.step(number);
  dependency_result result;
  result.definition = step.definition;
  switch (step.state) {
    case step_state::complete:
      result.value = step.result;
      break;
    case step_state::resolved_manually:
      result.is = dependency_result::kind::resolved_manually;
      break;
    case step_state::error: {
      // A failed worker is seen by what joins its batch, unless the batch isolates failures.
      auto settings = context.definition_of(number).batch.value_or(batch_settings{});
      if (!context.batch_of(number) || settings.failure_strategy == batch_failure_strategy::isolate)
        return;
      result.is = dependency_result::kind::failed;
      result.value = step.error;
      break;
    }
    default:
      return;
  }
  if (context.batch_of(number))
    result.instance = context.name_of(number);
  if (auto batch = context.batch_of(number_of(ready.id)); batch && batch->source == number && result.value)
    result.value = batch->source_result;
  ready.dependency_results.push_back(std::move(result));
}

void add_results(const task_context& context, std::uint16_t ancestor, ready_step& ready) {
  if (context.definition->steps[ancestor].type != step_type::batch_worker)
    return add_result(context, static_cast<std::uint16_t>(ancestor + 1), ready);
  for (auto& batch : context.batches)
    if (batch.worker == ancestor)
      for (std::size_t i = 0; i < batch.cursors.size(); ++i)
        add_result(context, static_cast<std::uint16_t>(batch.first + i), ready);
}

} // namespace

ready_step_ptr make_ready_step(const task_context& context, std::uint16_t number, timestamp now) {
  auto ready = std::make_shared<ready_step>();
  auto& step = context.step(number);
  auto& definition = context.definition_of(number);
  ready->id = make_step_id(context.id, number);
  ready->definition_index = step.definition;
  ready->attempt = static_cast<std::uint16_t>(step.attempts.size() + 1);
  ready->yields = step.yields;
  ready->definition = context.definition;
  ready->input = context.input;
  if (context.batch_of(number)) {
    ready->instance = context.name_of(number);
    ready->inputs = batch_inputs(context, number);
  }
  ready->dependency_results.reserve(definition.ancestors.size());
  for (auto ancestor : definition.ancestors)
    add_results(context, ancestor, *ready);
  ready->checkpoint = step.checkpoint;
  ready->previous_error = step.error;
  ready->ready_at = now;
  return ready;
}

} // namespace geartrain
