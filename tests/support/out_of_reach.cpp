#include "tests/support/out_of_reach.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <stdexcept>

namespace geartrain {

namespace {

std::uintptr_t address(const void* at) {
  return reinterpret_cast<std::uintptr_t>(at);
}

} // namespace

out_of_reach::out_of_reach(piece whole, const std::vector<piece>& kept) {
  auto size = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  std::set<std::uintptr_t> left_alone;
  for (auto& part : kept)
    for (auto page = address(part.begin) / size; page <= (address(part.begin) + part.size - 1) / size; ++page)
      left_alone.insert(page);
  auto end = (address(whole.begin) + whole.size) / size;
  for (auto page = (address(whole.begin) + size - 1) / size; page < end; ++page) {
    auto* begin = reinterpret_cast<void*>(page * size);
    if (left_alone.contains(page))
      continue;
    if (mprotect(begin, size, PROT_NONE) != 0)
      throw std::runtime_error("mprotect failed");
    pages_.push_back(begin);
  }
}

out_of_reach::~out_of_reach() {
  for (auto* page : pages_)
    mprotect(page, static_cast<std::size_t>(sysconf(_SC_PAGESIZE)), PROT_READ | PROT_WRITE);
}

} // namespace geartrain
