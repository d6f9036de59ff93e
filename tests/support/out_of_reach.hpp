#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <vector>

namespace geartrain {

/// Takes whole pages of memory away, all but those that hold a piece of `kept`, until it ends. Who touches them meanwhile
/// ends the program. So a test can show that code does not look at something, however it would.
class out_of_reach {
public:
  struct piece {
    const void* begin = nullptr;
    std::size_t size = 0;
  };

  out_of_reach(piece whole, const std::vector<piece>& kept);
  ~out_of_reach();

  out_of_reach(const out_of_reach&) = delete;
  out_of_reach& operator=(const out_of_reach&) = delete;

  std::size_t pages() const { return pages_.size(); }

private:
  std::vector<void*> pages_;
};

/// All of `items` but those at `kept`, as far as they stand on pages of their own.
template <class T>
out_of_reach all_but(const std::vector<T>& items, const std::set<std::size_t>& kept) {
  std::vector<out_of_reach::piece> pieces;
  for (auto index : kept)
    pieces.push_back({&items[index], sizeof(T)});
  return {{items.data(), items.size() * sizeof(T)}, pieces};
}

} // namespace geartrain
