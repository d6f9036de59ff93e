#include "runtime/bench/measurement.hpp"
#include "runtime/bench/process_cpu.hpp"
#include "runtime/bench/step_scan.hpp"
#include "runtime/bench/workload.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <unistd.h>

#include <algorithm>
#include <numeric>

using namespace geartrain;
using namespace geartrain::bench;

TEST_SUITE("bench") {
  TEST_CASE("a poll's answer is scanned into its steps and the fates of its results") {
    auto found = scan_poll(
      R"({"steps":[{"step_uuid":"s-1","handler":{"callable":"bench.step"},"lease_token":"t-1","task":{"context":{"n":1}}},)"
      R"({"step_uuid":"s-2","lease_token":"t-2","handler":{"callable":"bench.plan"},"dependency_results":{"a":{"result":1}}}],)"
      R"("results":[{"step_uuid":"s-0","status":"accepted"},{"step_uuid":"s-9","status":"stale"},)"
      R"({"step_uuid":"s-8","status":"duplicate"}]})");
    REQUIRE(found);
    REQUIRE(found->steps.size() == 2);
    CHECK(found->steps[0].step_uuid == "s-1");
    CHECK(found->steps[0].lease_token == "t-1");
    CHECK(found->steps[0].callable == "bench.step");
    CHECK(found->steps[1].lease_token == "t-2");
    CHECK(found->steps[1].callable == "bench.plan");
    CHECK(found->settled == 2);
    CHECK(found->unsettled == 1);
    CHECK(scan_poll(R"({"steps":[],"results":[]})")->steps.empty());
    CHECK_FALSE(scan_poll(R"({"steps":[{"step_uuid":"s-1"}]})"));
  }

  TEST_CASE("a percentile is the smallest value that so many do not exceed") {
    CHECK_FALSE(figures_of({}));
    std::vector<double> times(100);
    std::iota(times.rbegin(), times.rend(), 1.0);
    auto figures = figures_of(times);
    REQUIRE(figures);
    CHECK(figures->p50_ms == 50);
    CHECK(figures->p95_ms == 95);
    CHECK(figures->p99_ms == 99);
    CHECK(figures->max_ms == 100);
    CHECK(figures_of({7})->p50_ms == 7);
  }

  TEST_CASE("this process has a name, a parent and memory, and others have not") {
    CHECK(name_of(getpid()));
    CHECK(parent_of(getpid()) == getppid());
    CHECK(peak_memory_bytes(getpid()).value_or(0) > 0);
    CHECK(cpu_us_of_tree(getpid()).has_value());
    CHECK_FALSE(cpu_us_of_tree(-1));
    CHECK_FALSE(name_of(-1));
  }

  TEST_CASE("the handlers of every workload have answers") {
    for (const auto& work : workloads()) {
      CAPTURE(work.name);
      CHECK(find_workload(work.name) == &work);
      auto graph = nlohmann::json::parse(work.template_doc)["steps"];
      for (const auto& step : graph) {
        auto callable = step["handler"]["callable"].get<std::string>();
        auto known = [&](const handler_answer& answer) { return answer.callable == callable; };
        CHECK(std::count_if(handler_answers().begin(), handler_answers().end(), known) == 1);
      }
      CHECK(nlohmann::json::parse(creation_body(work))["namespace"] == namespace_name);
    }
    CHECK(fan_out(7).steps == 9);
    CHECK(find_workload("no-such") == nullptr);
  }

} // TEST_SUITE
