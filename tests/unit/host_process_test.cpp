#include "runtime/cluster/host_process.hpp"

#include <doctest/doctest.h>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace geartrain {

TEST_CASE("host process: this one is named the same each time, and runs") {
  auto self = this_process();
  CHECK_FALSE(self.host.empty());
  CHECK(self.pid == ::getpid());
  CHECK(self.started > 0);
  CHECK(self == this_process());
  CHECK(still_runs(self) == true);
}

TEST_CASE("host process: parentheses and blanks in a program's name change nothing") {
  auto before = this_process();
  CHECK(::prctl(PR_SET_NAME, "a) R 1 (b) Z") == 0); // of the thread; the main thread's is the process's
  CHECK(this_process() == before);
  CHECK(still_runs(before) == true);
}

TEST_CASE("host process: another machine can't be seen from here") {
  auto other = this_process();
  other.host += "x";
  CHECK(still_runs(other) == std::nullopt);
  other.host.clear();
  CHECK(still_runs(other) == std::nullopt);
  CHECK(still_runs(host_process{}) == std::nullopt);
}

TEST_CASE("host process: an id that names another process by now doesn't run") {
  auto reused = this_process();
  --reused.started;
  CHECK(still_runs(reused) == false);
}

TEST_CASE("host process: a child runs until it ends, and not as a zombie") {
  int wake[2] = {-1, -1};
  REQUIRE(::pipe(wake) == 0);
  auto child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::close(wake[1]);
    char byte = 0;
    [[maybe_unused]] auto end = ::read(wake[0], &byte, 1);
    ::_exit(0);
  }
  ::close(wake[0]);
  host_process process{this_process().host, child, 0};
  CHECK(still_runs(process) == false); // it began at another time
  // Its start isn't told to us; it is one of the next ticks.
  for (process.started = this_process().started; still_runs(process) == false; ++process.started)
    REQUIRE(process.started < this_process().started + 1000000);
  CHECK(still_runs(process) == true);
  ::close(wake[1]);
  siginfo_t ended{};
  REQUIRE(::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT) == 0);
  CHECK(still_runs(process) == false); // a zombie
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  CHECK(still_runs(process) == false); // gone
}

} // namespace geartrain
