#pragma once

#include "messages/wire_peer.hpp"
#include "messages/wire_types.hpp"

#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

// Values with something different in each field, the comparison of two of them, and their bytes. The compiler counts
// the fields: one that is added to a struct must be added here, and then it is tested.

namespace geartrain::samples {

template <class T>
constexpr auto fields_of(T&) = delete;

// NOLINTBEGIN(bugprone-macro-parentheses)
#define GEARTRAIN_FIELDS(type, ...)                                                                                    \
  template <class T>                                                                                                   \
  requires std::same_as<std::remove_const_t<T>, type>                                                                  \
  constexpr auto fields_of(T& x) {                                                                                     \
    auto& [__VA_ARGS__] = x;                                                                                           \
    return std::tie(__VA_ARGS__);                                                                                      \
  }
// NOLINTEND(bugprone-macro-parentheses)

GEARTRAIN_FIELDS(uuid, a)
GEARTRAIN_FIELDS(lease_token, a, b, c, d, e, f)
GEARTRAIN_FIELDS(lease, a, b, c, d)
GEARTRAIN_FIELDS(dependency_result, a, b, c, d)
GEARTRAIN_FIELDS(ready_step, a, b, c, d, e, f, g, h, i, j, k, l)
GEARTRAIN_FIELDS(leased_step, a, b)
GEARTRAIN_FIELDS(step_report, a, b, c, d, e, f, g, h, i, j, k)
GEARTRAIN_FIELDS(report_answer, a, b)
GEARTRAIN_FIELDS(heartbeat_answer, a, b)
GEARTRAIN_FIELDS(operator_act, a, b, c, d, e, f)
GEARTRAIN_FIELDS(task_input, a, b, c, d, e, f, g, h, i, j)
GEARTRAIN_FIELDS(ended_attempt, a, b)
GEARTRAIN_FIELDS(step_record, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v)
GEARTRAIN_FIELDS(due_retry, a, b)
GEARTRAIN_FIELDS(batch_cursor, a, b)
GEARTRAIN_FIELDS(batch_group, a, b, c, d, e, f, g, h, i)
GEARTRAIN_FIELDS(stored_head, a, b, c, d, e, f)
GEARTRAIN_FIELDS(task_context, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q)
GEARTRAIN_FIELDS(failure, a, b)
GEARTRAIN_FIELDS(report_call, a)
GEARTRAIN_FIELDS(read_call, a)
GEARTRAIN_FIELDS(await_call, a, b)
GEARTRAIN_FIELDS(act_call, a, b)
GEARTRAIN_FIELDS(heartbeat_call, a, b)
GEARTRAIN_FIELDS(peer_call, a, b)
GEARTRAIN_FIELDS(report_answers, a)
GEARTRAIN_FIELDS(task_answer, a)
GEARTRAIN_FIELDS(heartbeat_answers, a)
GEARTRAIN_FIELDS(peer_answer, a, b)
GEARTRAIN_FIELDS(waiting_worker, a, b, c, d, e)
GEARTRAIN_FIELDS(workers_wait, a, b)
GEARTRAIN_FIELDS(steps_offered, a, b)
GEARTRAIN_FIELDS(offers_returned, a)
GEARTRAIN_FIELDS(wait_ended, a, b)
GEARTRAIN_FIELDS(look_again, a, b, c, d)
GEARTRAIN_FIELDS(peer_notice, a)
GEARTRAIN_FIELDS(peer_hello, a, b)

/// Fills values: no two fields alike and none as it is by default, or (sparse) everything absent that can be.
class filler {
public:
  explicit filler(bool sparse = false) : sparse_(sparse) {}

  template <class T>
  T make() {
    T x{};
    fill(x);
    return x;
  }

  template <std::integral T>
  void fill(T& x) {
    x = static_cast<T>(x + static_cast<T>(++n_));
  }

  void fill(bool& x) { x = !x; }

  template <class E>
  requires std::is_enum_v<E>
  void fill(E& x) {
    using range = wire::values<E>;
    x = x == range::last ? range::first : static_cast<E>(static_cast<int>(x) + 1);
  }

  void fill(std::string& x) { x = sparse_ ? "" : "text " + std::to_string(++n_); }
  void fill(timestamp& x) { x += std::chrono::microseconds{1700000000000000 + ++n_}; }
  void fill(milliseconds& x) { x += milliseconds{++n_}; }

  void fill(json_text& x) {
    if (!sparse_)
      x = json_text{"{\"n\": " + std::to_string(++n_) + "}"};
  }

  template <class T>
  void fill(std::optional<T>& x) {
    if (!sparse_)
      fill(x.emplace());
  }

  template <class T>
  void fill(std::vector<T>& xs) {
    for (int i = 0; i < 3 && !sparse_; ++i)
      fill(xs.emplace_back());
  }

  template <class T, std::size_t N>
  void fill(std::array<T, N>& xs) {
    for (auto& x : xs)
      fill(x);
  }

  template <class... Ts>
  void fill(std::variant<Ts...>& x) {
    std::size_t chosen = static_cast<std::size_t>(++n_) % sizeof...(Ts);
    std::size_t i = 0;
    ((i++ == chosen ? fill(x.template emplace<Ts>()) : static_cast<void>(0)), ...);
  }

  template <class T>
  void fill(snapshot<T>& x) {
    x = snapshot<T>{make<T>()};
  }

  void fill(template_snapshot& x) {
    task_template stub;
    stub.id = ++n_;
    x = template_snapshot{std::move(stub)};
  }

  void fill(ready_step_ptr& x) { x = std::make_shared<const ready_step>(make<ready_step>()); }

  template <class T>
  requires requires(T& x) { fields_of(x); }
  void fill(T& x) {
    std::apply([this](auto&... members) { (fill(members), ...); }, fields_of(x));
  }

private:
  bool sparse_;
  std::int64_t n_ = 0;
};

/// Where two values differ first; empty if they don't. Templates are alike if their storage keys are.
class comparison {
public:
  template <class T>
  std::string operator()(const T& a, const T& b) {
    compare(a, b, "value");
    return where_;
  }

private:
  void require(bool alike, const std::string& path) {
    if (!alike && where_.empty())
      where_ = path;
  }

  template <class T>
  void compare(const T& a, const T& b, const std::string& path) {
    if constexpr (requires { fields_of(a); })
      compare_fields(fields_of(a), fields_of(b), path,
                     std::make_index_sequence<std::tuple_size_v<decltype(fields_of(a))>>{});
    else
      require(a == b, path);
  }

  template <class Fields, std::size_t... I>
  void compare_fields(const Fields& a, const Fields& b, const std::string& path, std::index_sequence<I...>) {
    (compare(std::get<I>(a), std::get<I>(b), path + "." + std::to_string(I)), ...);
  }

  template <class T>
  void compare(const std::optional<T>& a, const std::optional<T>& b, const std::string& path) {
    require(a.has_value() == b.has_value(), path + "?");
    if (a && b)
      compare(*a, *b, path);
  }

  template <class T>
  void compare(const std::vector<T>& a, const std::vector<T>& b, const std::string& path) {
    require(a.size() == b.size(), path + "[]");
    for (std::size_t i = 0; i < a.size() && i < b.size(); ++i)
      compare(a[i], b[i], path + "[" + std::to_string(i) + "]");
  }

  template <class... Ts>
  void compare(const std::variant<Ts...>& a, const std::variant<Ts...>& b, const std::string& path) {
    require(a.index() == b.index(), path + "|");
    if (a.index() == b.index())
      std::visit([&]<class T>(const T& content) { compare(content, std::get<T>(b), path); }, a);
  }

  template <class T>
  void compare(const snapshot<T>& a, const snapshot<T>& b, const std::string& path) {
    require(static_cast<bool>(a) == static_cast<bool>(b), path + "*");
    if (a && b)
      compare(*a, *b, path);
  }

  void compare(const template_snapshot& a, const template_snapshot& b, const std::string& path) {
    require(a && b && a->id == b->id, path);
  }

  void compare(const ready_step_ptr& a, const ready_step_ptr& b, const std::string& path) {
    require(a && b, path + "*");
    if (a && b)
      compare(*a, *b, path);
  }

  std::string where_;
};

/// Calls f with a body of each kind.
template <class Body, class F>
void each_body(filler& fill, F f) {
  [&]<class... Ts>(std::type_identity<std::variant<Ts...>>) {
    (f(Body{fill.make<Ts>()}), ...);
  }(std::type_identity<Body>{});
}

using bytes = std::vector<char>;

template <class T>
caf::error write(const T& x, bytes& out) {
  caf::binary_serializer sink{nullptr, out};
  return wire::fields(static_cast<caf::serializer&>(sink), const_cast<T&>(x));
}

/// An error too if bytes are left over.
template <class T>
caf::error read(const bytes& in, T& x) {
  caf::binary_deserializer source{nullptr, in};
  auto problem = wire::fields(static_cast<caf::deserializer&>(source), x);
  return problem || source.remaining() == 0 ? problem : wire::refused("too much");
}

} // namespace geartrain::samples
