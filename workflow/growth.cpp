#include "workflow/growth.hpp"

#include "workflow/batches.hpp"
#include "workflow/step_transitions.hpp"

#include <algorithm>

namespace geartrain {

namespace {

bool contains(const std::vector<std::uint16_t>& list, std::uint16_t value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

bool is_done(const step_record& step) {
  return step.being == existence::exists && satisfies_children(step.state);
}

const step_definition& at(const task_context& context, std::uint16_t index) {
  return context.definition->steps[index];
}

// -- judging -----------------------------------------------------------------------

existence judge_worker(const task_context& context, std::uint16_t index) {
  for (auto& batch : context.batches)
    if (batch.worker == index)
      return existence::exists;
  bool open = false;
  for (auto parent : at(context, index).dependencies) {
    auto& step = context.steps[parent];
    if (at(context, parent).type != step_type::batchable) {
      if (step.being == existence::never)
        return existence::never;
    } else if (step.being == existence::undecided || (step.being == existence::exists && !is_done(step))) {
      open = true;
    }
  }
  return open ? existence::undecided : existence::never;
}

/// Whether a decision that has not spoken yet may still ask for the step by its name.
bool may_be_requested(const task_context& context, std::uint16_t index) {
  const auto& deciders = at(context, index).deciders;
  return std::any_of(deciders.begin(), deciders.end(), [&](auto decider) {
    auto& decision = context.steps[decider];
    return decision.being != existence::never && !is_done(decision);
  });
}

existence judge_join(const task_context& context, std::uint16_t index) {
  bool open = false;
  bool any = !context.steps[index].requested_by.empty();
  for (auto parent : at(context, index).dependencies) {
    auto& step = context.steps[parent];
    open |= step.being == existence::undecided;
    any |= step.being == existence::exists;
    if (step.being == existence::exists && step.late)
      return existence::exists;
  }
  if (open || (!any && may_be_requested(context, index)))
    return existence::undecided;
  return any ? existence::exists : existence::never;
}

/// Whether `decision` stands above the step, also with other decisions between them.
bool is_below(const task_context& context, std::uint16_t index, std::uint16_t decision) {
  std::vector<std::uint16_t> above = at(context, index).deciders;
  for (std::size_t i = 0; i < above.size(); ++i) {
    if (above[i] == decision)
      return true;
    for (auto further : at(context, above[i]).deciders)
      if (!contains(above, further))
        above.push_back(further);
  }
  return false;
}

/// A decision that did not ask for the step itself may still want it: as part of a branch that it asked for.
bool is_part_of_branch(const task_context& context, std::uint16_t index, std::uint16_t decision) {
  for (auto parent : at(context, index).dependencies)
    if (context.steps[parent].being != existence::never && is_below(context, parent, decision))
      return true;
  return false;
}

existence judge_ordinary(const task_context& context, std::uint16_t index) {
  auto& step = context.steps[index];
  bool open = false;
  for (auto parent : at(context, index).dependencies) {
    auto& above = context.steps[parent];
    if (above.being == existence::never) {
      if (step.requested_by.empty() && !may_be_requested(context, index))
        return existence::never;
      open |= step.requested_by.empty();
    } else if (above.being == existence::undecided) {
      open = true;
    } else if (at(context, parent).type == step_type::decision) {
      if (!is_done(above))
        open = true;
      else if (!contains(step.requested_by, parent) && !is_part_of_branch(context, index, parent))
        return existence::never;
    }
  }
  return open ? existence::undecided : existence::exists;
}

// -- spreading ---------------------------------------------------------------------

/// Carries news through the graph: which steps exist now, which never will, and whom that sets free.
class spreading {
public:
  spreading(task_context& context, turn_effects& effects) : context_(context), effects_(effects) {}

  void look_at(std::uint16_t index) { open_.push_back(index); }

  void look_below(std::uint16_t index) {
    for (auto child : at(context_, index).children)
      look_at(child);
  }

  /// A decision asks for nothing more: what only it could still have asked for is settled.
  void look_at_segment(std::uint16_t decision) {
    for (auto index : at(context_, decision).segment)
      look_at(index);
  }

  /// The dependency `index` holds nobody back any more.
  void release_children(std::uint16_t index) {
    for (auto child : at(context_, index).children)
      release(child, index);
  }

  /// One batch of the batch_worker step is cut, or one worker finished.
  void count_down(std::uint16_t worker) {
    auto& step = context_.steps[worker];
    if (--step.remaining_parents == 0 && step.being == existence::exists)
      release_children(worker);
    look_at(worker);
  }

  void run() {
    for (std::size_t i = 0; i < open_.size(); ++i)
      settle(open_[i]);
    for (auto number : freed_)
      enqueue_if_ready(context_, number, effects_);
  }

private:
  void release(std::uint16_t child, std::uint16_t parent) {
    if (at(context_, child).type != step_type::batch_worker) {
      --context_.steps[child].remaining_parents;
      freed_.push_back(static_cast<std::uint16_t>(child + 1));
      return;
    }
    if (at(context_, parent).type == step_type::batchable) {
      if (context_.steps[parent].being == existence::never)
        count_down(child); // else counted when its batch is cut
      return;
    }
    for (auto& batch : context_.batches)
      if (batch.worker == child)
        for (std::size_t i = 0; i < batch.cursors.size(); ++i) {
          auto number = static_cast<std::uint16_t>(batch.first + i);
          --context_.step(number).remaining_parents;
          freed_.push_back(number);
        }
  }

  void settle(std::uint16_t index) {
    auto& step = context_.steps[index];
    if (step.being != existence::undecided)
      return;
    step.being = judge(context_, index);
    if (step.being == existence::undecided)
      return;
    step.late = true;
    if (step.being == existence::never) {
      release_children(index);
      if (at(context_, index).type == step_type::decision)
        look_at_segment(index);
    } else if (at(context_, index).type != step_type::batch_worker) {
      ++context_.step_counts[static_cast<std::size_t>(step.state)];
      freed_.push_back(static_cast<std::uint16_t>(index + 1));
    }
    look_below(index);
  }

  task_context& context_;
  turn_effects& effects_;
  std::vector<std::uint16_t> open_;
  std::vector<std::uint16_t> freed_; // numbers
};

/// The batches above a batch_worker step that are still to be cut.
std::uint32_t sources_of(const task_context& context, std::uint16_t index) {
  std::uint32_t sources = 0;
  for (auto parent : at(context, index).dependencies)
    sources += at(context, parent).type == step_type::batchable ? 1 : 0;
  return sources;
}

} // namespace

existence judge(const task_context& context, std::uint16_t index) {
  switch (at(context, index).type) {
    case step_type::batch_worker:
      return judge_worker(context, index);
    case step_type::deferred_convergence:
      return judge_join(context, index);
    case step_type::standard:
    case step_type::decision:
    case step_type::batchable:
      break;
  }
  return judge_ordinary(context, index);
}

void begin_growth(task_context& context) {
  auto& definition = *context.definition;
  context.steps.resize(definition.steps.size());
  for (std::size_t i = 0; i < context.steps.size(); ++i) {
    auto index = static_cast<std::uint16_t>(i);
    auto& step = context.steps[i];
    step.definition = index;
    step.being = existence::undecided;
    step.remaining_parents = at(context, index).type == step_type::batch_worker
                               ? sources_of(context, index)
                               : static_cast<std::uint32_t>(at(context, index).dependencies.size());
  }
  for (auto index : definition.order) {
    auto& step = context.steps[index];
    step.being = judge(context, index);
    if (step.being == existence::exists)
      ++context.step_counts[static_cast<std::size_t>(step_state::pending)];
  }
}

void finish_step(task_context& context, std::uint16_t number, turn_effects& effects) {
  spreading news{context, effects};
  auto index = context.step(number).definition;
  if (auto batch = context.step(number).batch; batch != 0) {
    auto& group = context.batches[batch - 1u];
    --group.unfinished;
    leave_slot(context, number);
    news.count_down(index);
    news.run();
    return fill_batch(context, group, effects);
  }
  news.release_children(index);
  if (at(context, index).type == step_type::decision)
    news.look_at_segment(index);
  if (at(context, index).type == step_type::batchable)
    for (auto child : at(context, index).children)
      if (at(context, child).type == step_type::batch_worker)
        news.count_down(child);
  news.look_below(index);
  news.run();
  if (at(context, index).type == step_type::batchable)
    for (auto& batch : context.batches)
      if (batch.source == number)
        fill_batch(context, batch, effects);
}

void enqueue_if_ready(task_context& context, std::uint16_t number, turn_effects& effects) {
  auto& step = context.step(number);
  if (context.blocking_failures() > 0 || context.state == task_state::pending)
    return;
  if (step.batch != 0)
    return enqueue_worker_if_ready(context, number, effects);
  if (step.being != existence::exists || step.state != step_state::pending || step.remaining_parents > 0 ||
      context.definition_of(number).type == step_type::batch_worker)
    return;
  fire(context, number, step_event::enqueue);
  effects.enqueued.push_back(number);
}

void enqueue_all_ready(task_context& context, turn_effects& effects) {
  for (std::size_t i = 0; i < context.steps.size(); ++i)
    enqueue_if_ready(context, static_cast<std::uint16_t>(i + 1), effects);
}

} // namespace geartrain
