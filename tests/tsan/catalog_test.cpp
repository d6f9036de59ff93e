// Templates are registered while HTTP threads and actors look them up. Run under ThreadSanitizer.

#include "actors/template_catalog.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

using namespace geartrain;

namespace {

template_snapshot revision(std::int64_t id) {
  task_template made;
  made.id = id;
  made.namespace_name = "shop";
  made.name = "order";
  made.version = "1." + std::to_string(id % 5) + ".0";
  made.digest = std::to_string(id);
  made.input_schema = json_text{R"({"type":"object","required":["amount"]})"};
  return template_snapshot{std::move(made)};
}

} // namespace

TEST_CASE("look-ups see whole revisions while new ones arrive") {
  constexpr std::int64_t revisions = 200;
  template_catalog catalog;
  catalog.put(revision(1), 1);
  std::atomic<bool> writing{true};
  std::atomic<int> broken{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i)
    readers.emplace_back([&] {
      while (writing) {
        auto newest = catalog.find("shop", "order", std::nullopt);
        if (!newest || !newest->validator || newest->definition->digest != std::to_string(newest->activation))
          ++broken;
        else if (newest->validator->validate("{}").size() != 1 || !catalog.find_by_id(newest->definition->id))
          ++broken;
        if (catalog.list("shop").empty() || catalog.last_activation() < 0)
          ++broken;
      }
    });
  for (std::int64_t id = 2; id <= revisions; ++id)
    catalog.put(revision(id), id);
  CHECK(catalog.last_activation() == 0); // what came one by one tells nothing of the others
  catalog.saw_all_up_to(revisions);
  writing = false;
  for (auto& reader : readers)
    reader.join();
  CHECK(broken == 0);
  CHECK(catalog.last_activation() == revisions);
  CHECK(catalog.list(std::nullopt).size() == 5);
}
