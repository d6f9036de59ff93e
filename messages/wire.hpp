#pragma once

#include "messages/json_text.hpp"
#include "messages/snapshot.hpp"
#include "messages/template.hpp"
#include "messages/time.hpp"
#include "messages/uuid.hpp"

#include <caf/deserializer.hpp>
#include <caf/sec.hpp>
#include <caf/serializer.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

// How the values of messages/peer.hpp become bytes and come back. CAF would do much of it by itself, and believe every
// count and every enumerator it reads; here each kind of field has its codec, and what has none does not compile. Bytes
// that mean nothing are an error: they neither crash the reader nor make it allocate more than in proportion to them.

namespace geartrain::wire {

template <class F>
concept format = std::derived_from<F, caf::serializer> || std::derived_from<F, caf::deserializer>;

/// True while values are read, false while they are written.
template <format F>
inline constexpr bool loading = F::writes_state;

/// No list on the wire is longer.
inline constexpr std::size_t max_elements = std::size_t{1} << 20;

/// Room for so many elements is made before they are seen; the rest of a list has to prove its length.
inline constexpr std::size_t elements_on_credit = 256;

inline caf::error refused(const char* what) {
  return caf::make_error(caf::sec::invalid_argument, std::string{what});
}

/// How a T is written and read: apply(format, T&). Not specialised: by the fields that its inspect() names.
template <class T>
struct codec {
  static_assert(std::is_class_v<T> && !std::is_empty_v<T>, "a list of things without bytes could have any length");

  static caf::error apply(format auto& f, T& x) { return inspect(f, x); }
};

/// Writes or reads these fields in this order.
template <format F, class... Ts>
caf::error fields(F& f, Ts&... xs) {
  caf::error problem;
  static_cast<void>((... && !(problem = codec<Ts>::apply(f, xs))));
  return problem;
}

// -- scalars -----------------------------------------------------------------

template <std::integral T>
struct codec<T> {
  static caf::error apply(format auto& f, T& x) { return f(x); }
};

template <>
struct codec<std::string> {
  static caf::error apply(format auto& f, std::string& x) { return f(x); }
};

template <>
struct codec<milliseconds> {
  template <format F>
  static caf::error apply(F& f, milliseconds& x) {
    std::int64_t count = x.count();
    auto problem = f(count);
    if constexpr (loading<F>)
      x = milliseconds{count};
    return problem;
  }
};

template <>
struct codec<timestamp> {
  template <format F>
  static caf::error apply(F& f, timestamp& x) {
    std::int64_t micros = x.time_since_epoch().count();
    auto problem = f(micros);
    if constexpr (loading<F>)
      x = timestamp{std::chrono::microseconds{micros}};
    return problem;
  }
};

/// First and last value of an enumeration without gaps; specialised for each that travels.
template <class E>
struct values;

template <auto First, auto Last>
struct from_to {
  static constexpr auto first = First;
  static constexpr auto last = Last;
};

template <class E>
requires std::is_enum_v<E>
struct codec<E> {
  template <format F>
  static caf::error apply(F& f, E& x) {
    auto number = static_cast<std::underlying_type_t<E>>(x);
    if (auto problem = f(number))
      return problem;
    auto read = static_cast<E>(number);
    if (read < values<E>::first || read > values<E>::last)
      return refused("an enumerator");
    x = read;
    return caf::none;
  }
};

/// A position in a list; small ones take one byte.
struct position {
  std::size_t at = 0;
};

template <format F>
caf::error inspect(F& f, position& x) {
  return f.begin_sequence(x.at); // which writes a number as briefly as that
}

// -- what holds others -------------------------------------------------------

template <class T>
struct codec<std::optional<T>> {
  template <format F>
  static caf::error apply(F& f, std::optional<T>& x) {
    bool given = x.has_value();
    if (auto problem = f(given))
      return problem;
    if constexpr (loading<F>) {
      if (given)
        x.emplace();
      else
        x.reset();
    }
    return given ? codec<T>::apply(f, *x) : caf::error{};
  }
};

template <class... Ts>
struct codec<std::variant<Ts...>> {
  template <format F>
  static caf::error apply(F& f, std::variant<Ts...>& x) {
    auto index = static_cast<std::uint8_t>(x.index());
    if (auto problem = f(index))
      return problem;
    if constexpr (loading<F>) {
      if (index >= sizeof...(Ts))
        return refused("an alternative");
      std::uint8_t i = 0;
      ((i++ == index ? static_cast<void>(x.template emplace<Ts>()) : static_cast<void>(0)), ...);
    }
    return std::visit([&f]<class T>(T& content) { return codec<T>::apply(f, content); }, x);
  }
};

template <class T, std::size_t N>
struct codec<std::array<T, N>> {
  static caf::error apply(format auto& f, std::array<T, N>& xs) {
    for (auto& x : xs)
      if (auto problem = codec<T>::apply(f, x))
        return problem;
    return caf::none;
  }
};

template <class T>
struct codec<std::vector<T>> {
  template <format F>
  static caf::error apply(F& f, std::vector<T>& xs) {
    std::size_t size = xs.size();
    if (auto problem = f.begin_sequence(size))
      return problem;
    if (size > max_elements)
      return refused("the length of a list");
    if constexpr (loading<F>) {
      xs.clear();
      xs.reserve(std::min(size, elements_on_credit));
      for (std::size_t i = 0; i < size; ++i)
        if (auto problem = codec<T>::apply(f, xs.emplace_back()))
          return problem;
    } else {
      for (auto& x : xs)
        if (auto problem = codec<T>::apply(f, x))
          return problem;
    }
    return caf::none;
  }
};

// -- values that are shared by pointer ---------------------------------------

template <>
struct codec<json_text> {
  template <format F>
  static caf::error apply(F& f, json_text& x) {
    bool given = static_cast<bool>(x);
    if (auto problem = f(given))
      return problem;
    if constexpr (loading<F>) {
      x = {};
      std::string text;
      if (given) {
        if (auto problem = f(text))
          return problem;
        x = json_text{std::move(text)};
      }
      return caf::none;
    } else {
      auto text = x.view();
      std::size_t size = text.size();
      if (!given)
        return caf::none;
      if (auto problem = f.begin_sequence(size)) // as a string, without a copy of it
        return problem;
      return f.apply_raw(size, const_cast<char*>(text.data())); // writing only reads
    }
  }
};

/// Never without a value: a message whose reader would find nothing there is not written, and not read.
template <class T>
struct codec<snapshot<T>> {
  template <format F>
  static caf::error apply(F& f, snapshot<T>& x) {
    if constexpr (loading<F>) {
      T value;
      if (auto problem = codec<T>::apply(f, value))
        return problem;
      x = snapshot<T>{std::move(value)};
      return caf::none;
    } else {
      return x ? codec<T>::apply(f, const_cast<T&>(*x)) : refused("an empty snapshot"); // writing only reads
    }
  }
};

/// A template travels as its storage key; what is read is a stub of it alone. See messages/wire_templates.hpp.
template <>
struct codec<template_snapshot> {
  template <format F>
  static caf::error apply(F& f, template_snapshot& x) {
    if constexpr (loading<F>) {
      task_template stub;
      if (auto problem = f(stub.id))
        return problem;
      x = template_snapshot{std::move(stub)};
      return caf::none;
    } else {
      if (!x)
        return refused("an empty snapshot");
      auto id = x->id;
      return f(id);
    }
  }
};

} // namespace geartrain::wire

namespace geartrain {

template <wire::format F>
caf::error inspect(F& f, uuid& x) {
  return f.apply_raw(x.bytes.size(), x.bytes.data());
}

} // namespace geartrain
