#pragma once

#include "messages/expected.hpp"
#include "messages/time.hpp"
#include "runtime/child_process.hpp"

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace geartrain::bench {

/// A private directory below the one for temporary files that outlives a restart (TMPDIR, else /var/tmp, else /tmp): on
/// a disk, since what is measured is how long a disk takes. Others may enter it. Removed with this object. Move-only.
class scratch_directory {
public:
  static expected<scratch_directory> make(const std::filesystem::path& below);
  scratch_directory(scratch_directory&& other) noexcept;
  scratch_directory& operator=(scratch_directory&& other) noexcept;
  ~scratch_directory();

  const std::filesystem::path& path() const { return path_; }

private:
  explicit scratch_directory(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

/// A program that takes part in a measurement. It says "ready PID WORD..." on its output when it is, and ends with this
/// object, or with this process however that ends. Move-only; not thread-safe.
class helper_process {
public:
  /// Blocks until the program is ready. `arguments`: the first is its path. Errors: unavailable, with the end of what the
  /// program said; timeout.
  static expected<helper_process> start(std::vector<std::string> arguments, const std::filesystem::path& below,
                                        milliseconds patience);

  pid_t pid() const { return pid_; }

  /// What the program said behind its process id.
  const std::string& said() const { return said_; }

  bool has_ended() { return child_.has_ended(); }

  /// The end of what the program wrote to its output and errors.
  std::string log_tail() const;

  /// Asks it to end, and waits.
  void stop() { child_.stop(false); }

private:
  helper_process(scratch_directory home, guarded_child child) : home_(std::move(home)), child_(std::move(child)) {}
  std::filesystem::path log() const { return home_.path() / "log"; }
  bool look_if_ready();

  scratch_directory home_;
  guarded_child child_; // before its directory goes away
  pid_t pid_ = 0;
  std::string said_;
};

} // namespace geartrain::bench
