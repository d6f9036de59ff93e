#include "runtime/child_process.hpp"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

// Between fork and exec, and in the guardian for its whole life, only async-signal-safe calls are made: the process
// that forks has many threads. Everything that needs memory is prepared before.

namespace geartrain {

namespace {

constexpr int control_fd = 3;

/// What an owner that lives says to the guardian; without a word the owner is gone.
enum order : char { owner_gone = 0, stop_gently = 's', stop_at_once = 'q' };

/// What the child needs, with no allocation left to do.
struct prepared {
  explicit prepared(const child_command& command)
    : directory(command.directory), log(command.log), identity(command.identity), arguments(command.arguments) {
    for (auto& argument : arguments)
      argv.push_back(argument.data());
    argv.push_back(nullptr);
  }

  std::string directory;
  std::string log;
  std::optional<run_as> identity;
  std::vector<std::string> arguments;
  std::vector<char*> argv;
};

void reset_signals() {
  for (int number = 1; number < NSIG; ++number)
    ::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

void redirect_output(const char* log) {
  auto in = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  auto out = ::open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (in >= 0)
    dup2(in, STDIN_FILENO);
  if (out < 0)
    return;
  dup2(out, STDOUT_FILENO);
  dup2(out, STDERR_FILENO);
}

/// Becomes the program. `guardian`: its parent, at whose end it gets SIGINT; 0: none.
[[noreturn]] void become(const prepared& program, pid_t guardian) {
  if (program.identity) {
    auto& who = *program.identity;
    if (setgroups(1, &who.group) != 0 || setgid(who.group) != 0 || setuid(who.user) != 0)
      _exit(exit_no_program);
  }
  if (guardian != 0) {
    prctl(PR_SET_PDEATHSIG,
          SIGINT); // only now: setuid would clear it. The guardian has one thread, so it fires at its end
    if (getppid() != guardian)
      _exit(exit_no_program);
  }
  if (chdir(program.directory.c_str()) != 0)
    _exit(exit_no_directory);
  execv(program.argv[0], program.argv.data());
  _exit(exit_no_program);
}

void on_child_signal(int) {}

char read_order() {
  char said = owner_gone;
  return read(control_fd, &said, 1) == 1 ? said : static_cast<char>(owner_gone);
}

enum class wake_up { child_ended, owner_spoke, time_over };

/// Waits for the child's end, for the owner (if asked), or so many seconds (0: for ever). SIGCHLD comes only inside
/// ppoll.
wake_up watch(pid_t child, bool with_control, int seconds) {
  sigset_t none;
  sigemptyset(&none);
  timespec limit{seconds, 0};
  for (;;) {
    if (waitpid(child, nullptr, WNOHANG) != 0)
      return wake_up::child_ended;
    pollfd control{control_fd, POLLIN, 0};
    auto ready = ppoll(&control, with_control ? 1 : 0, seconds > 0 ? &limit : nullptr, &none);
    if (ready >= 0)
      return ready > 0 ? wake_up::owner_spoke : wake_up::time_over;
  }
}

void end_child(pid_t child, bool at_once) {
  constexpr std::array<std::pair<int, int>, 3> steps{{{SIGINT, 20}, {SIGQUIT, 10}, {SIGKILL, 10}}};
  for (auto& [number, seconds] : steps) {
    if (at_once && number == SIGINT)
      continue;
    kill(child, number);
    if (watch(child, false, seconds) == wake_up::child_ended)
      return;
  }
}

void remove_tree(const char* path) {
  auto child = fork();
  if (child == 0) {
    execl("/bin/rm", "rm", "-rf", "--", path, static_cast<char*>(nullptr));
    _exit(exit_no_program);
  }
  if (child > 0)
    waitpid(child, nullptr, 0);
}

[[noreturn]] void guard(const prepared& program, int control, const char* remove_after) {
  setsid();
  reset_signals();
  redirect_output(program.log.c_str());
  if (control != control_fd)
    dup2(control, control_fd);
  fcntl(control_fd, F_SETFD, FD_CLOEXEC);
  close_range(control_fd + 1, ~0U, 0); // our owner's listening sockets, locks and pipes are none of ours
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGCHLD);
  sigprocmask(SIG_BLOCK, &blocked, nullptr);
  ::signal(SIGCHLD, on_child_signal);
  auto self = getpid();
  auto child = fork();
  if (child == 0) {
    reset_signals();
    become(program, self);
  }
  for (auto number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE})
    ::signal(number, SIG_IGN);
  auto by_itself = child < 0 || watch(child, true, 0) == wake_up::child_ended;
  if (by_itself)
    shutdown(control_fd, SHUT_WR); // the owner sees it in has_ended()
  auto said = read_order();
  if (!by_itself)
    end_child(child, said == stop_at_once);
  if (said == owner_gone && remove_after[0] != '\0')
    remove_tree(remove_after);
  _exit(0);
}

failure cannot_fork() {
  return {errc::unavailable, std::string{"can't start a process: "} + std::strerror(errno)};
}

} // namespace

expected<int> run_to_end(const child_command& command) {
  prepared program{command};
  auto child = fork();
  if (child < 0)
    return cannot_fork();
  if (child == 0) {
    reset_signals();
    redirect_output(program.log.c_str());
    close_range(control_fd, ~0U, 0);
    become(program, 0);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR)
    continue;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

expected<guarded_child> guarded_child::start(const child_command& command, const std::filesystem::path& remove_after) {
  prepared program{command};
  const std::string remove = remove_after;
  std::array<int, 2> control{-1, -1};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control.data()) != 0)
    return cannot_fork();
  auto guardian = fork();
  if (guardian == 0) {
    ::close(control[1]);
    guard(program, control[0], remove.c_str());
  }
  ::close(control[0]);
  if (guardian < 0) {
    ::close(control[1]);
    return cannot_fork();
  }
  return guarded_child{guardian, control[1]};
}

guarded_child::guarded_child(guarded_child&& other) noexcept
  : guardian_(std::exchange(other.guardian_, -1)), control_(std::exchange(other.control_, -1)) {}

guarded_child& guarded_child::operator=(guarded_child&& other) noexcept {
  std::swap(guardian_, other.guardian_);
  std::swap(control_, other.control_);
  return *this;
}

guarded_child::~guarded_child() {
  stop(false);
}

bool guarded_child::has_ended() {
  char none = 0;
  return control_ < 0 || recv(control_, &none, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
}

void guarded_child::stop(bool at_once) {
  if (control_ < 0)
    return;
  const char said = at_once ? stop_at_once : stop_gently;
  send(control_, &said, 1, MSG_NOSIGNAL);
  while (waitpid(guardian_, nullptr, 0) < 0 && errno == EINTR)
    continue;
  ::close(std::exchange(control_, -1));
}

} // namespace geartrain
