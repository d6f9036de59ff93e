#include "messages/wire_templates.hpp"
#include "tests/support/sample_templates.hpp"
#include "tests/unit/wire_samples.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace geartrain;
using samples::bytes;
using samples::filler;

namespace {

const auto definition = [] {
  auto made = samples::linear(3);
  made.id = 42;
  return template_snapshot{std::move(made)};
}();

template_snapshot find(std::int64_t id) {
  return id == 42 ? definition : template_snapshot{};
}

/// Two steps of the template and a batch of two workers after them.
task_answer sample_answer() {
  filler fill;
  auto context = fill.make<task_context>();
  context.definition = definition;
  context.batches.resize(1);
  context.batches[0].worker = 2;
  context.batches[0].source = 2;
  context.batches[0].first = 4;
  context.batches[0].cursors.resize(2);
  context.steps.resize(5, fill.make<step_record>());
  for (std::size_t i = 0; i < 5; ++i) {
    context.steps[i].definition = static_cast<std::uint16_t>(std::min<std::size_t>(i, 2));
    context.steps[i].batch = i > 2;
    context.steps[i].requested_by = {0};
  }
  return {task_snapshot{std::move(context)}};
}

steps_offered sample_offer() {
  filler fill;
  auto offer = fill.make<steps_offered>();
  for (auto& leased : offer.steps) {
    auto step = *leased.step;
    step.definition = definition;
    step.definition_index = 1;
    for (auto& result : step.dependency_results)
      result.definition = 0;
    leased.step = std::make_shared<const ready_step>(std::move(step));
  }
  return offer;
}

/// Goes wherever an index in the message leads. What is returned only keeps the compiler from leaving it out.
std::size_t walk(peer_answer& message) {
  auto answer = std::get_if<task_answer>(&message.body);
  if (!answer || !complete_templates(message.body, find))
    return 0;
  std::size_t seen = 0;
  auto& context = *answer->task;
  for (std::size_t number = 1; number <= context.steps.size(); ++number) {
    seen += context.name_of(static_cast<std::uint16_t>(number)).size();
    for (auto index : context.steps[number - 1].requested_by)
      seen += context.definition->steps[index].name.size();
  }
  for (auto& batch : context.batches) {
    seen += context.definition->steps[batch.worker].name.size() + context.name_of(batch.source).size();
    for (std::size_t i = 0; i < batch.cursors.size(); ++i)
      seen += context.name_of(static_cast<std::uint16_t>(batch.first + i)).size();
  }
  return seen;
}

std::size_t walk(peer_notice& message) {
  auto offer = std::get_if<steps_offered>(&message.body);
  if (!offer || !complete_templates(message.body, find))
    return 0;
  std::size_t seen = 0;
  for (auto& leased : offer->steps) {
    seen += leased.step->name().size() + leased.step->input->reason.size();
    for (auto& result : leased.step->dependency_results)
      seen += leased.step->definition->steps[result.definition].name.size() + result.value.view().size();
  }
  return seen;
}

std::size_t walk(peer_call&) {
  return 1;
}

std::size_t walk(peer_hello&) {
  return 1;
}

/// Every beginning of the message is an error; the message with a few bits or bytes changed is one, or another message.
template <class Message>
void damage(const Message& message, int times) {
  bytes good;
  REQUIRE_FALSE(samples::write(message, good));
  for (std::size_t size = 0; size < good.size(); ++size) {
    Message read;
    REQUIRE(samples::read(bytes{good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)}, read));
  }
  std::mt19937_64 random{good.size()};
  std::size_t walked = 0;
  for (int i = 0; i < times; ++i) {
    auto bad = good;
    for (std::uint64_t changes = 1 + random() % 3; changes > 0; --changes) {
      auto& byte = bad[random() % bad.size()];
      byte = static_cast<char>(random() % 4 == 0 ? random() : static_cast<unsigned>(byte) ^ (1u << random() % 8));
    }
    Message read;
    if (!samples::read(bad, read))
      walked += walk(read);
  }
  CHECK(walked < std::size_t{1} << 40);
}

} // namespace

TEST_CASE("damaged messages are errors or other messages, never a crash") {
  filler fill;
  damage(fill.make<peer_hello>(), 100);
  samples::each_body<peer_call_body>(fill, [](peer_call_body body) { damage(peer_call{1, std::move(body)}, 1000); });
  samples::each_body<peer_answer_body>(fill, [](peer_answer_body body) {
    damage(peer_answer{1, std::move(body)}, 1000);
  });
  samples::each_body<peer_notice_body>(fill, [](peer_notice_body body) { damage(peer_notice{std::move(body)}, 1000); });
  damage(peer_answer{1, sample_answer()}, 5000);
  damage(peer_notice{sample_offer()}, 5000);
}

TEST_CASE("noise is not a message") {
  std::mt19937_64 random{1};
  for (int i = 0; i < 5000; ++i) {
    bytes noise(random() % 300);
    for (auto& byte : noise)
      byte = static_cast<char>(random());
    peer_call call;
    peer_answer answer;
    peer_notice notice;
    static_cast<void>(samples::read(noise, call));
    if (!samples::read(noise, answer))
      walk(answer);
    if (!samples::read(noise, notice))
      walk(notice);
  }
}

TEST_CASE("a length is believed when its elements have come") {
  bytes four_billion{'\xff', '\xff', '\xff', '\xff', '\x0f'};
  bytes a_million{'\x80', '\x80', '\x40'}; // the longest list there may be
  for (auto& length : {four_billion, a_million}) {
    auto in = length;
    in.resize(in.size() + 1000);
    std::vector<step_record> steps;
    CHECK(samples::read(in, steps));
    CHECK(steps.capacity() <= wire::elements_on_credit);
    std::vector<uuid> ids;
    CHECK(samples::read(in, ids));
    CHECK(ids.capacity() <= wire::elements_on_credit);
    std::string text;
    CHECK(samples::read(in, text));
    CHECK(text.capacity() < 2000);
    in.insert(in.begin(), '\1');
    json_text json;
    CHECK(samples::read(in, json));
    CHECK_FALSE(json);
  }
  bytes out;
  CHECK(samples::write(std::vector<std::uint64_t>(wire::max_elements + 1), out));
  CHECK_FALSE(samples::write(std::vector<std::uint64_t>(wire::max_elements), out));
}

TEST_CASE("stubs give way to templates") {
  peer_answer_body answer = sample_answer();
  peer_notice_body notice = sample_offer();
  bytes out;
  REQUIRE_FALSE(samples::write(answer, out));
  REQUIRE_FALSE(samples::read(out, answer));
  out.clear();
  REQUIRE_FALSE(samples::write(notice, out));
  REQUIRE_FALSE(samples::read(out, notice));
  auto& task = std::get<task_answer>(answer).task;
  auto& steps = std::get<steps_offered>(notice).steps;
  CHECK(task->definition->steps.empty());
  CHECK(template_ids(answer) == std::vector<std::int64_t>{42});
  CHECK(template_ids(notice) == std::vector<std::int64_t>{42});

  auto unknown = [](std::int64_t) { return template_snapshot{}; };
  CHECK_FALSE(complete_templates(answer, unknown));
  CHECK_FALSE(complete_templates(notice, unknown));
  CHECK(task->definition->steps.empty());
  CHECK(steps[0].step->definition->steps.empty());

  auto before = task;
  int asked = 0;
  auto counting = [&](std::int64_t id) { return ++asked, find(id); };
  CHECK(complete_templates(answer, counting));
  CHECK(complete_templates(notice, counting));
  CHECK(asked == 2);
  CHECK(task->definition.operator->() == definition.operator->());
  CHECK(task->name_of(5) == "s3_" + task->batches[0].cursors[1].batch_id);
  CHECK(samples::comparison{}(task, before) == "");
  for (auto& leased : steps)
    CHECK(leased.step->definition.operator->() == definition.operator->());
}

TEST_CASE("bodies without templates are complete") {
  filler fill;
  peer_answer_body answer = fill.make<report_answers>();
  peer_notice_body notice = fill.make<workers_wait>();
  CHECK(template_ids(answer).empty());
  CHECK(template_ids(notice).empty());
  CHECK(complete_templates(answer, find));
  CHECK(complete_templates(notice, find));
  CHECK_FALSE(complete_templates(answer = task_answer{}, find));
  CHECK_FALSE(complete_templates(notice = steps_offered{1, {leased_step{}}}, find));
  CHECK(template_ids(answer).empty());
  CHECK(template_ids(notice).empty());
}

TEST_CASE("what does not fit its template is not completed") {
  auto spoilt = [](auto spoil) {
    auto context = *sample_answer().task;
    spoil(context);
    peer_answer_body body = task_answer{task_snapshot{std::move(context)}};
    return !complete_templates(body, find);
  };
  CHECK_FALSE(spoilt([](task_context&) {}));
  CHECK(spoilt([](task_context& c) { c.steps.resize(2); }));
  CHECK(spoilt([](task_context& c) { c.steps[0].definition = 3; }));
  CHECK(spoilt([](task_context& c) { c.steps[0].requested_by = {3}; }));
  CHECK(spoilt([](task_context& c) { c.steps[3].batch = 2; }));
  CHECK(spoilt([](task_context& c) { c.steps[2].batch = 1; }));
  CHECK(spoilt([](task_context& c) { c.batches[0].worker = 3; }));
  CHECK(spoilt([](task_context& c) { c.batches[0].source = 0; }));
  CHECK(spoilt([](task_context& c) { c.batches[0].source = 6; }));
  CHECK(spoilt([](task_context& c) { c.batches[0].first = 0; }));
  CHECK(spoilt([](task_context& c) { c.batches[0].cursors.resize(3); }));
  auto offer = sample_offer();
  auto step = *offer.steps[2].step;
  step.dependency_results[0].definition = 3;
  offer.steps[2].step = std::make_shared<const ready_step>(step);
  peer_notice_body body = offer;
  CHECK_FALSE(complete_templates(body, find));
  step.dependency_results[0].definition = 2;
  step.definition_index = 3;
  offer.steps[2].step = std::make_shared<const ready_step>(step);
  CHECK_FALSE(complete_templates(body = offer, find));
}
