#pragma once

#include "messages/expected.hpp"

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace geartrain {

/// Another user to run as.
struct run_as {
  uid_t user = 0;
  gid_t group = 0;
  std::string name;
};

/// A program to run.
struct child_command {
  std::vector<std::string> arguments; ///< the first is the program's path
  std::optional<run_as> identity;     ///< absent: our own
  std::filesystem::path directory;    ///< working directory
  std::filesystem::path log;          ///< where output and errors go; overwritten
};

/// Exit status of a child that could not enter its directory, and of one that could not be executed.
inline constexpr int exit_no_directory = 126;
inline constexpr int exit_no_program = 127;

/// Runs a program to its end and gives its exit status. Blocking; thread-safe. Errors: unavailable.
expected<int> run_to_end(const child_command& command);

/// A program under a guardian: a small process in a session of its own that ends the program when its owner ends,
/// however that happens, and whichever thread started it. Move-only; not thread-safe.
class guarded_child {
public:
  /// `remove_after`: a directory that the guardian deletes if the owner ends without a stop(). Errors: unavailable.
  static expected<guarded_child> start(const child_command& command, const std::filesystem::path& remove_after);

  guarded_child(guarded_child&& other) noexcept;
  guarded_child& operator=(guarded_child&& other) noexcept;
  ~guarded_child();

  /// True once the program has ended by itself or by stop().
  bool has_ended();

  /// Ends the program with SIGINT, or SIGQUIT if `at_once`, in the end with SIGKILL, and waits for it. Idempotent.
  void stop(bool at_once);

private:
  guarded_child(pid_t guardian, int control) : guardian_(guardian), control_(control) {}

  pid_t guardian_ = -1;
  int control_ = -1; // -1: stopped. Closed without a word (our own end), it ends the program
};

} // namespace geartrain
