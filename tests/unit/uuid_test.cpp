#include "messages/uuid.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace geartrain;

TEST_CASE("a step's id tells its task and its number") {
  auto task = make_task_id(std::chrono::milliseconds{0x0123456789ab}, 0xffffffffffffffff);
  CHECK(number_of(task) == 0);
  auto step = make_step_id(task, 4711);
  CHECK(task_of(step) == task);
  CHECK(number_of(step) == 4711);
  CHECK(partition_of(task_of(step)) == partition_of(task));
}

TEST_CASE("a task id is a UUIDv7 of its time") {
  auto text = to_string(make_task_id(std::chrono::milliseconds{0x0123456789ab}, 0x42));
  CHECK(text.substr(0, 13) == "01234567-89ab");
  CHECK(text[14] == '7');
  CHECK(std::string{"89ab"}.find(text[19]) != std::string::npos);
  CHECK(text.substr(32) == "0000");
}

TEST_CASE("task ids of one node are in the order of their times, to the microsecond") {
  auto previous = make_task_id(std::chrono::microseconds{1700000000000000}, ~0ull);
  for (int us = 1; us < 3000; ++us) {
    auto next =
      make_task_id(std::chrono::microseconds{1700000000000000 + us}, static_cast<std::uint64_t>(us % 7) << 60);
    CHECK(previous < next);
    previous = next;
  }
}

TEST_CASE("only canonical text is an id") {
  auto id = make_uuid_v7(std::chrono::milliseconds{1}, 2, 3);
  CHECK(parse_uuid(to_string(id)) == id);
  CHECK(parse_uuid("01234567-89AB-7000-8000-0000000000FF"));
  for (auto bad : {"", "0123456789ab70008000000000000000", "01234567-89ab-7000-8000-00000000000", "not-a-uuid",
                   "01234567-89ab-7000-8000-0000000000000", "01234567-89ab-7000-8000_000000000000",
                   "g1234567-89ab-7000-8000-000000000000"})
    CHECK_FALSE(parse_uuid(bad));
}

TEST_CASE("partitions are stable and all in use") {
  std::set<std::uint16_t> seen;
  for (std::uint64_t i = 0; i < 10000; ++i)
    seen.insert(partition_of(make_task_id(std::chrono::milliseconds{1700000000000}, i * 0x9E3779B97F4A7C15ULL)));
  CHECK(seen.size() == partition_count);
  CHECK(*seen.rbegin() < partition_count);
}
