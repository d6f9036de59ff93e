#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// What processes of this machine have used, from /proc. Blocking reads of small files; thread-safe.

namespace geartrain::bench {

/// CPU time in µs, user and system, that a process, all its living descendants and the ended children that they have
/// waited for have used. Grows as long as nobody in between ends without being waited for. Resolution: a clock tick,
/// mostly 10 ms. Nothing if there is no such process.
std::optional<std::int64_t> cpu_us_of_tree(pid_t root);

/// The most memory that a process ever had, in bytes (VmHWM).
std::optional<std::int64_t> peak_memory_bytes(pid_t process);

/// The program's name (15 characters at most), and the parent.
std::optional<std::string> name_of(pid_t process);
std::optional<pid_t> parent_of(pid_t process);

} // namespace geartrain::bench
