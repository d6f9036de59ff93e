#pragma once

#include <memory>
#include <utility>

namespace geartrain {

/// An immutable value shared by pointer inside the process. Copies are cheap; reading is thread-safe.
template <class T>
class snapshot {
public:
  snapshot() = default;
  explicit snapshot(T value) : value_(std::make_shared<const T>(std::move(value))) {}

  const T& operator*() const { return *value_; }
  const T* operator->() const { return value_.get(); }
  explicit operator bool() const { return value_ != nullptr; }

private:
  std::shared_ptr<const T> value_;
};

} // namespace geartrain
