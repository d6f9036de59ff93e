#include "runtime/http/fresh_uuid.hpp"

#include <chrono>
#include <random>

namespace geartrain {

uuid fresh_uuid() {
  thread_local std::mt19937_64 random = [] {
    std::random_device device;
    std::seed_seq seed{device(), device(), device(), device()};
    return std::mt19937_64{seed};
  }();
  auto now = std::chrono::system_clock::now().time_since_epoch();
  auto high = random();
  return make_uuid_v7(std::chrono::duration_cast<std::chrono::milliseconds>(now), high, random());
}

} // namespace geartrain
