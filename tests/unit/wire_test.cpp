#include "tests/unit/wire_samples.hpp"

#include <doctest/doctest.h>

using namespace geartrain;
using samples::bytes;
using samples::comparison;
using samples::filler;

namespace {

template <class T>
bytes bytes_of(const T& x) {
  bytes out;
  auto problem = samples::write(x, out);
  REQUIRE_FALSE(problem);
  return out;
}

template <class T>
T back_from(const bytes& in, T into = {}) {
  auto problem = samples::read(in, into);
  REQUIRE_FALSE(problem);
  return into;
}

/// With everything in it, with as little as can be, and each over the other.
template <class T>
void check_round_trip() {
  CAPTURE(caf::detail::pretty_type_name(typeid(T)));
  auto full = filler{}.make<T>();
  auto sparse = filler{true}.make<T>();
  CHECK(comparison{}(full, back_from<T>(bytes_of(full))) == "");
  CHECK(comparison{}(sparse, back_from<T>(bytes_of(sparse))) == "");
  CHECK(comparison{}(sparse, back_from<T>(bytes_of(sparse), full)) == "");
  CHECK(comparison{}(full, back_from<T>(bytes_of(full), sparse)) == "");
}

template <class... Ts>
void check_round_trips() {
  (check_round_trip<Ts>(), ...);
}

/// All values of E and no other.
template <class E>
void check_enumeration() {
  using range = wire::values<E>;
  for (int i = 0; i < 256; ++i) {
    E read{};
    auto problem = samples::read(bytes{static_cast<char>(i)}, read);
    bool valid = i >= static_cast<int>(range::first) && i <= static_cast<int>(range::last);
    CHECK(static_cast<bool>(problem) != valid);
    CHECK(static_cast<int>(read) == (valid ? i : 0));
  }
  bytes out;
  CHECK(samples::write(static_cast<E>(static_cast<int>(range::last) + 1), out));
}

/// Three steps of one task and one of another, all of which depend on one result.
steps_offered sample_offer() {
  filler fill;
  auto shared = fill.make<json_text>();
  auto definition = fill.make<template_snapshot>();
  auto input = fill.make<input_snapshot>();
  steps_offered offer;
  for (int i = 0; i < 4; ++i) {
    auto step = fill.make<ready_step>();
    step.dependency_results[1].value = shared;
    if (i < 3) {
      step.definition = definition;
      step.input = input;
    }
    offer.steps.push_back({std::make_shared<const ready_step>(std::move(step)), fill.make<lease>()});
  }
  return offer;
}

} // namespace

TEST_CASE("whatever nodes say to each other arrives as it was said") {
  check_round_trips<uuid, lease_token, lease, step_report, report_answer, heartbeat_answer, operator_act, task_input,
                    ended_attempt, step_record, batch_cursor, batch_group, stored_head, task_context, failure>();
  check_round_trips<report_call, read_call, await_call, act_call, heartbeat_call, report_answers, task_answer,
                    heartbeat_answers, waiting_worker, workers_wait, steps_offered, offers_returned, wait_ended,
                    look_again, peer_hello>();
  filler fill;
  samples::each_body<peer_call_body>(fill, [](peer_call_body body) {
    peer_call call{4711, std::move(body)};
    CHECK(comparison{}(call, back_from<peer_call>(bytes_of(call))) == "");
  });
  samples::each_body<peer_answer_body>(fill, [](peer_answer_body body) {
    peer_answer answer{4712, std::move(body)};
    CHECK(comparison{}(answer, back_from<peer_answer>(bytes_of(answer))) == "");
  });
  samples::each_body<peer_notice_body>(fill, [](peer_notice_body body) {
    peer_notice notice{std::move(body)};
    CHECK(comparison{}(notice, back_from<peer_notice>(bytes_of(notice))) == "");
  });
}

TEST_CASE("the comparison of these tests sees a difference") {
  auto a = filler{}.make<task_context>();
  auto b = a;
  CHECK(comparison{}(a, b) == "");
  b.steps[1].attempts[2].lease_nonce += 1;
  CHECK(comparison{}(a, b) == "value.11[1].9[2].0");
  auto c = filler{}.make<step_report>();
  auto d = c;
  d.execution_time_ms.reset();
  CHECK(comparison{}(c, d) == "value.10?");
}

TEST_CASE("absent, null and empty are three things") {
  for (auto& text : {json_text{}, json_text{"null"}, json_text{""}}) {
    auto read = back_from<json_text>(bytes_of(text), json_text{"something else"});
    CHECK(static_cast<bool>(read) == static_cast<bool>(text));
    CHECK(read.view() == text.view());
  }
  using names = std::optional<std::vector<std::string>>;
  for (auto& list : {names{}, names{std::in_place}, names{{"one"}}})
    CHECK(back_from<names>(bytes_of(list), names{{"another"}}) == list);
}

TEST_CASE("numbers keep their extremes") {
  step_report report;
  for (auto ms : {std::int64_t{0}, std::int64_t{-1}, std::numeric_limits<std::int64_t>::min(),
                  std::numeric_limits<std::int64_t>::max()}) {
    report.requested_delay = milliseconds{ms};
    report.token.expires_at = timestamp{std::chrono::microseconds{ms}};
    report.token.nonce = static_cast<std::uint64_t>(ms);
    CHECK(comparison{}(report, back_from<step_report>(bytes_of(report))) == "");
  }
}

TEST_CASE("text may hold any bytes and be long") {
  std::string odd{"\0\x01\xff\xfe \" \n", 9};
  for (auto& text : {odd, std::string(127, 'x'), std::string(128, 'x'), std::string(3000000, 'y')}) {
    CHECK(back_from<std::string>(bytes_of(text)) == text);
    CHECK(back_from<json_text>(bytes_of(json_text{text})).view() == text);
  }
}

TEST_CASE("only enumerators that exist are read") {
  check_enumeration<task_state>();
  check_enumeration<step_state>();
  check_enumeration<attempt_outcome>();
  check_enumeration<existence>();
  check_enumeration<report_kind>();
  check_enumeration<report_status>();
  check_enumeration<heartbeat_status>();
  check_enumeration<dependency_result::kind>();
  check_enumeration<act_kind>();
  check_enumeration<errc>();
}

TEST_CASE("what offered steps share is written once and shared again") {
  auto offer = sample_offer();
  auto alone = bytes_of(steps_offered{0, {offer.steps[0]}});
  auto together = bytes_of(steps_offered{0, {offer.steps[0], offer.steps[0], offer.steps[0]}});
  CHECK(together.size() < 2 * alone.size());
  auto read = back_from<steps_offered>(bytes_of(offer));
  CHECK(comparison{}(offer, read) == "");
  auto& steps = read.steps;
  auto input_of = [&](std::size_t i) { return steps[i].step->input.operator->(); };
  auto value_of = [&](std::size_t i, std::size_t k) {
    return steps[i].step->dependency_results[k].value.view().data();
  };
  CHECK(input_of(0) == input_of(1));
  CHECK(input_of(0) == input_of(2));
  CHECK(input_of(0) != input_of(3));
  CHECK(steps[0].step->definition.operator->() == steps[2].step->definition.operator->());
  CHECK(value_of(0, 1) == value_of(1, 1));
  CHECK(value_of(0, 1) == value_of(3, 1));
  CHECK(value_of(0, 0) != value_of(1, 0));
}

TEST_CASE("a position that leads nowhere is refused") {
  auto packed = wire::pack(sample_offer());
  REQUIRE(packed);
  CHECK(packed->origins.size() == 2);
  CHECK(wire::unpack(*packed));
  for (auto spoil : {+[](wire::packed_step& s) { s.origin.at = 2; }, +[](wire::packed_step& s) { s.inputs.at = 1000; },
                     +[](wire::packed_step& s) { s.dependencies[2].value.at = ~std::size_t{0}; },
                     +[](wire::packed_step& s) { s.checkpoint.at = 1000; },
                     +[](wire::packed_step& s) { s.previous_error.at = 1000; }}) {
    auto spoilt = *packed;
    spoil(spoilt.steps[1]);
    CHECK_FALSE(wire::unpack(spoilt));
  }
  packed->steps[0].inputs.at = packed->texts.size();
  CHECK(wire::unpack(*packed));
  packed->steps[0].inputs.at += 1;
  CHECK_FALSE(wire::unpack(*packed));
}

TEST_CASE("what a reader could not do without is not written") {
  bytes out;
  CHECK(samples::write(task_answer{}, out));
  CHECK(samples::write(steps_offered{1, {leased_step{}}}, out));
  auto context = filler{}.make<task_context>();
  context.definition = {};
  CHECK(samples::write(context, out));
}

TEST_CASE("the bytes are those of this wire version") {
  // Nodes of one version must understand each other. If this fails, messages changed: raise wire_version, then these.
  std::uint64_t hash = 0xcbf29ce484222325;
  auto add = [&](const auto& message) {
    for (auto byte : bytes_of(message))
      hash = (hash ^ static_cast<std::uint8_t>(byte)) * 0x100000001b3;
  };
  filler fill;
  add(fill.make<peer_hello>());
  samples::each_body<peer_call_body>(fill, [&](peer_call_body body) { add(peer_call{1, std::move(body)}); });
  samples::each_body<peer_answer_body>(fill, [&](peer_answer_body body) { add(peer_answer{2, std::move(body)}); });
  samples::each_body<peer_notice_body>(fill, [&](peer_notice_body body) { add(peer_notice{std::move(body)}); });
  CHECK(wire_version == 2);
  CHECK(hash == 10373278430032905596);
}
