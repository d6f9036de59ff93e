#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>

namespace geartrain {

/// Why something inside the engine did not work.
enum class errc : std::uint8_t {
  overloaded = 1, ///< a bound is reached; try again later
  unavailable,    ///< the database can't be reached, or the outcome of a write is unknown
  storage,        ///< the database refused a statement
  stopping,       ///< the node is shutting down
  dropped,        ///< the actor that held the request died before it answered
  not_found,      ///< the thing that was asked for does not exist
  invalid,        ///< the input breaks a rule; the message says which
  conflict,       ///< the state does not allow it
  timeout,        ///< the deadline passed first
  unhandled,      ///< a defect: an exception reached the edge of an actor
};

const char* to_string(errc code);

/// A category and a sentence for a person.
struct failure {
  errc code = errc::unhandled;
  std::string message;
};

/// A value or the reason why there is none. Access to the wrong side throws std::bad_variant_access.
template <class T>
class expected {
public:
  expected(T value) : content_(std::in_place_index<0>, std::move(value)) {}
  expected(failure why) : content_(std::in_place_index<1>, std::move(why)) {}

  explicit operator bool() const { return content_.index() == 0; }
  T& operator*() { return std::get<0>(content_); }
  const T& operator*() const { return std::get<0>(content_); }
  T* operator->() { return &std::get<0>(content_); }
  const T* operator->() const { return &std::get<0>(content_); }
  failure& error() { return std::get<1>(content_); }
  const failure& error() const { return std::get<1>(content_); }

private:
  std::variant<T, failure> content_;
};

} // namespace geartrain
