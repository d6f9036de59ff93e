#include "tests/node/running_node.hpp"

#include <doctest/doctest.h>
#include <spdlog/spdlog.h>

#include <future>
#include <thread>

namespace geartrain::test {

namespace {

constexpr std::chrono::seconds patience{30};

template <class T, class Send>
expected<T> ask(Send send) {
  auto promise = std::make_shared<std::promise<expected<T>>>();
  auto answer = promise->get_future();
  send(completion<T>{[promise](expected<T> value) { promise->set_value(std::move(value)); }});
  REQUIRE(answer.wait_for(patience) == std::future_status::ready);
  return answer.get();
}

} // namespace

running_node::running_node(std::size_t connections) {
  spdlog::set_level(spdlog::level::err);
  config settings;
  settings.server.listen = "127.0.0.1:0";
  settings.database.url = database.dsn();
  settings.database.connections = connections;
  settings.node.shards = 2;
  auto started = node::start(settings);
  REQUIRE_MESSAGE(started, (started ? "" : started.error().message));
  served = std::move(*started);
}

void running_node::add_template(const std::string& yaml) {
  auto registered = served->register_template(yaml, false);
  REQUIRE(registered);
  REQUIRE(std::holds_alternative<template_registered>(*registered));
}

task_id running_node::create(const std::string& name, const std::string& context) {
  create_task task;
  task.namespace_name = "test";
  task.name = name;
  task.input.context = json_text{context};
  auto created = ask<create_task_result>([&](auto done) {
    caf::anon_send(served->shared().actors->intake(0), create_task_request{task, std::move(done)});
  });
  REQUIRE(created);
  REQUIRE(std::holds_alternative<task_created>(*created));
  return std::get<task_created>(*created).task->id;
}

task_snapshot running_node::read(const task_id& id) const {
  auto task = ask<task_snapshot>([&](auto done) {
    caf::anon_send(served->shared().actors->processor_of(id), read_task_request{id, std::move(done)});
  });
  REQUIRE(task);
  return *task;
}

task_snapshot running_node::wait_for(const task_id& id) const {
  auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    auto task = read(id);
    if (is_terminal(task->state))
      return task;
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    std::this_thread::yield();
  }
}

} // namespace geartrain::test
