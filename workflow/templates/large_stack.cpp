#include "workflow/templates/large_stack.hpp"

#include <pthread.h>

namespace geartrain {

namespace {

constexpr std::size_t stack_bytes = std::size_t{64} << 20;

void* run(void* work) {
  (*static_cast<const std::function<void()>*>(work))();
  return nullptr;
}

} // namespace

bool run_on_large_stack(const std::function<void()>& work) {
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0)
    return false;
  pthread_t thread{};
  auto* argument = const_cast<void*>(static_cast<const void*>(&work)); // run() takes the const off only in type
  bool started = pthread_attr_setstacksize(&attributes, stack_bytes) == 0 &&
                 pthread_create(&thread, &attributes, run, argument) == 0;
  pthread_attr_destroy(&attributes);
  return started && pthread_join(thread, nullptr) == 0;
}

} // namespace geartrain
