#include "tests/api/fake_engine.hpp"
#include "tests/api/raw_client.hpp"

#include "tests/support/sample_templates.hpp"

#include <doctest/doctest.h>

#include <mutex>
#include <optional>
#include <thread>

using namespace geartrain;
using namespace geartrain::testing;

namespace {

const std::string task_path = std::string{"/v1/tasks/"} + sample_task_id;

/// Keeps whoever waits; plain reads are answered at once.
struct waiting {
  explicit waiting(std::function<void(api_context&)> configure = {}) : engine(std::move(configure)) {
    engine.on_read = [](const read_task_request& r) { r.done(task_snapshot{sample_task(samples::diamond())}); };
    engine.on_await = [this](const await_task_request& r) {
      std::lock_guard guard{mutex};
      held.push_back(r);
    };
    engine.on_cancel_wait = [this](const wait_cancelled& r) {
      std::lock_guard guard{mutex};
      cancelled.push_back(r.wait_id);
    };
  }

  template <class Condition>
  void until(Condition condition) {
    for (;; std::this_thread::yield()) {
      std::lock_guard guard{mutex};
      if (condition())
        return;
    }
  }

  http_answer get(const std::string& query) { return call(engine.port(), "GET", task_path + query); }

  std::mutex mutex;
  std::vector<await_task_request> held;
  std::vector<std::uint64_t> cancelled;
  fake_engine engine;
};

} // namespace

TEST_CASE("a read that waits is answered when the engine says so") {
  waiting w;
  raw_client client{w.engine.port()};
  client.send(format_request("GET", task_path + "?wait_ms=60000"));
  w.until([&] { return !w.held.empty(); });
  CHECK(w.held[0].wait == milliseconds{60000});
  CHECK(to_string(w.held[0].id) == sample_task_id);
  w.held[0].done(task_snapshot{sample_task(samples::diamond())});
  auto answer = client.receive();
  CHECK(answer.status == 200);
  CHECK(answer.json()["task_uuid"] == sample_task_id);
  CHECK(answer.header("x-correlation-id") == sample_correlation);
  CHECK(w.cancelled.empty());
}

TEST_CASE("a read without a wait, or with none, does not wait") {
  waiting w;
  CHECK(w.get("").status == 200);
  CHECK(w.get("?wait_ms=0").status == 200);
  CHECK(w.held.empty());
}

TEST_CASE("a wait that is no number of milliseconds is refused") {
  waiting w;
  for (auto text : {"", "x", "-1", "60001", "1.5", "1e3", "99999999999999999999"}) {
    INFO(text);
    auto answer = w.get("?wait_ms=" + std::string{text});
    CHECK(answer.status == 400);
    CHECK(answer.error_code() == "BAD_REQUEST");
  }
  CHECK(call(w.engine.port(), "GET", "/v1/tasks/x?wait_ms=5").error_code() == "INVALID_UUID");
  auto step = to_string(make_step_id(*parse_uuid(sample_task_id), 1));
  CHECK(call(w.engine.port(), "GET", "/v1/tasks/" + step + "?wait_ms=5").status == 404);
  CHECK(w.held.empty());
}

TEST_CASE("failures of a wait are those of a read") {
  waiting w;
  w.engine.on_await = [](const await_task_request& r) { r.done(failure{errc::not_found, "no such task"}); };
  CHECK(w.get("?wait_ms=5").status == 404);
  w.engine.on_await = nullptr; // dropped
  CHECK(w.get("?wait_ms=5").error_code() == "SERVICE_UNAVAILABLE");
}

TEST_CASE("a client that goes away does not wait any more") {
  auto gate = std::make_shared<admission>();
  waiting w{[&](api_context& context) { context.gate = gate; }};
  raw_client client{w.engine.port()};
  client.send(format_request("GET", task_path + "?wait_ms=60000"));
  w.until([&] { return !w.held.empty(); });
  CHECK(gate->in_flight(admission_kind::wait) == 1);
  client.close();
  w.until([&] { return !w.cancelled.empty(); });
  CHECK(w.cancelled[0] == w.held[0].wait_id);
  w.held.clear();
  while (gate->in_flight(admission_kind::wait) > 0)
    std::this_thread::yield();
}

TEST_CASE("one who would wait too many, or on a node that goes down, is answered at once") {
  auto gate = std::make_shared<admission>(admission_limits{1, 1, 1, 1, 1});
  std::atomic<bool> draining{false};
  waiting w{[&](api_context& context) {
    context.gate = gate;
    context.draining = [&] { return draining.load(); };
  }};
  SUBCASE("too many") {
    raw_client first{w.engine.port()};
    first.send(format_request("GET", task_path + "?wait_ms=60000"));
    w.until([&] { return w.held.size() == 1; });
    CHECK(w.get("?wait_ms=60000").status == 200);
    CHECK(gate->refused(admission_kind::wait) == 1);
    CHECK(w.held.size() == 1);
    w.held.clear();
    CHECK(first.receive().status == 503);
  }
  SUBCASE("going down") {
    draining = true;
    CHECK(w.get("?wait_ms=60000").status == 200);
    CHECK(w.held.empty());
  }
}
