#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace geartrain {

/// The steps whose attempts an open turn ends. Asking costs the same however many they are. Not thread-safe.
class touched_steps {
public:
  void add(std::uint16_t number) {
    if (number >= flags_.size())
      flags_.resize(number + std::size_t{1});
    flags_[number] = true;
    numbers_.push_back(number);
  }

  bool contains(std::uint16_t number) const { return number < flags_.size() && flags_[number]; }

  /// All of them, in the order in which they came; none are left.
  std::vector<std::uint16_t> take() {
    for (auto number : numbers_)
      flags_[number] = false;
    return std::exchange(numbers_, {});
  }

  std::size_t size() const { return numbers_.size(); }

private:
  std::vector<std::uint16_t> numbers_;
  std::vector<bool> flags_;
};

} // namespace geartrain
