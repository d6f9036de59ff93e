#include "actors/directory.hpp"

namespace geartrain {

directory::directory(std::size_t shards, std::function<cluster_map::clock::time_point()> now)
  : intakes_(shards),
    processors_(shards),
    coordinators_(shards),
    finalizers_(shards),
    cluster_(std::make_unique<cluster_map>(std::move(now))) {}

std::size_t directory::shard_of(const task_id& task) const {
  return partition_of(task_of(task)) % shards();
}

task_intake_actor directory::intake(std::size_t shard) const {
  return get(intakes_.at(shard));
}

result_processor_actor directory::processor(std::size_t shard) const {
  return get(processors_.at(shard));
}

task_coordinator_actor directory::coordinator(std::size_t shard) const {
  return get(coordinators_.at(shard));
}

task_finalizer_actor directory::finalizer(std::size_t shard) const {
  return get(finalizers_.at(shard));
}

step_dispatcher_actor directory::dispatcher() const {
  return get(dispatcher_);
}

timers_actor directory::timers() const {
  return get(timers_);
}

template_registry_actor directory::templates() const {
  return get(templates_);
}

inbox_actor directory::inbox() const {
  return get(inbox_);
}

db_actor directory::db() const {
  return get(db_);
}

cluster_actor directory::membership() const {
  return get(membership_);
}

void directory::set_intake(std::size_t shard, task_intake_actor handle) {
  set(intakes_.at(shard), std::move(handle));
}

void directory::set_processor(std::size_t shard, result_processor_actor handle) {
  set(processors_.at(shard), std::move(handle));
}

void directory::set_coordinator(std::size_t shard, task_coordinator_actor handle) {
  set(coordinators_.at(shard), std::move(handle));
}

void directory::set_finalizer(std::size_t shard, task_finalizer_actor handle) {
  set(finalizers_.at(shard), std::move(handle));
}

void directory::set_dispatcher(step_dispatcher_actor handle) {
  set(dispatcher_, std::move(handle));
}

void directory::set_timers(timers_actor handle) {
  set(timers_, std::move(handle));
}

void directory::set_templates(template_registry_actor handle) {
  set(templates_, std::move(handle));
}

void directory::set_inbox(inbox_actor handle) {
  set(inbox_, std::move(handle));
}

void directory::set_db(db_actor handle) {
  set(db_, std::move(handle));
}

void directory::set_membership(cluster_actor handle) {
  set(membership_, std::move(handle));
}

void directory::clear() {
  cluster_->clear();
  std::unique_lock guard{mutex_};
  for (auto& handle : intakes_)
    handle = nullptr;
  for (auto& handle : processors_)
    handle = nullptr;
  for (auto& handle : coordinators_)
    handle = nullptr;
  for (auto& handle : finalizers_)
    handle = nullptr;
  dispatcher_ = nullptr;
  timers_ = nullptr;
  templates_ = nullptr;
  inbox_ = nullptr;
  db_ = nullptr;
  membership_ = nullptr;
}

} // namespace geartrain
