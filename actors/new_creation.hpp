#pragma once

#include "actors/engine.hpp"
#include "messages/requests.hpp"
#include "messages/storage.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace geartrain {

/// A creation that the rules allow: what is to be stored, and what the task will be once it is.
struct new_creation {
  create_task_unit unit;
  std::unique_ptr<task_context> context;
};

/// errc::invalid for what breaks a rule of the request.
using judged_creation = std::variant<new_creation, context_refused, failure>;

/// Checks a creation against its template and makes the task, its id and time given. Takes the input out of `asked`.
/// Thread-safe.
judged_creation judge_creation(const engine& engine, create_task& asked, const catalog_entry& entry, const task_id& id,
                               timestamp now);

/// A new id, of a partition that this node serves if it serves any: so a task is made where it will live. Thread-safe.
task_id make_own_task_id(const engine& engine, timestamp now);

/// That many new ids of one moment, ascending.
std::vector<task_id> make_task_ids(const engine& engine, std::size_t count, timestamp now);

/// What to say when there is no such template.
failure unknown_template(const create_task& asked);

/// Tells the owners of tasks that were just committed, who tell the dispatcher about the first steps. Then `told` is called,
/// on any thread: whoever hears of a creation and polls at once gets its step. Thread-safe.
void announce_created(const engine& engine, std::vector<std::unique_ptr<task_context>> created,
                      std::function<void()> told);

} // namespace geartrain
