#include "runtime/embedded_postgres.hpp"

#include "db/blocking_session.hpp"
#include "runtime/postgres_files.hpp"
#include "tests/db/pool_fixture.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <thread>
#include <utility>

using namespace geartrain;
using namespace geartrain::test;
namespace fs = std::filesystem;

namespace {

embedded_postgres_config config_in(const fs::path& dir) {
  embedded_postgres_config config;
  config.data_dir = dir;
  config.settings = {{"max_connections", "10"}, {"shared_buffers", "16MB"}};
  return config;
}

std::string ask(const std::string& dsn, const char* sql) {
  auto session = blocking_session::open(dsn);
  if (!session)
    return session.error().message;
  auto rows = (*session)->run(sql);
  if (!rows)
    return rows.error().message;
  return (*rows)->size() > 0 ? std::string{(*rows)->text(0, 0)} : "";
}

bool is_alive(pid_t pid) {
  return kill(pid, 0) == 0;
}

/// A server whose owner is another process; what kill -9 of a node leaves.
struct orphaned_owner {
  explicit orphaned_owner(const fs::path& dir) {
    std::array<int, 2> ready{};
    REQUIRE(pipe2(ready.data(), O_CLOEXEC) == 0);
    owner = fork();
    if (owner == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      auto server = embedded_postgres::start(config_in(dir));
      pid_t pid = server ? (*server)->pid() : -1;
      if (write(ready[1], &pid, sizeof pid) != sizeof pid)
        _exit(1);
      while (pid > 0)
        pause();
      _exit(1);
    }
    ::close(ready[1]);
    REQUIRE(read(ready[0], &postmaster, sizeof postmaster) == sizeof postmaster);
    ::close(ready[0]);
    REQUIRE(postmaster > 0);
  }
  ~orphaned_owner() { kill_owner(); }

  void kill_owner() {
    if (owner <= 0)
      return;
    kill(owner, SIGKILL);
    waitpid(std::exchange(owner, 0), nullptr, 0);
  }

  pid_t owner = 0;
  pid_t postmaster = 0;
};

/// The process id of a process's parent.
pid_t parent_of(pid_t pid) {
  std::ifstream in{"/proc/" + std::to_string(pid) + "/status"};
  for (std::string word; in >> word;)
    if (word == "PPid:") {
      pid_t parent = 0;
      in >> parent;
      return parent;
    }
  return 0;
}

} // namespace

TEST_SUITE("embedded postgres") {
  TEST_CASE("it starts, keeps what was written over a restart, and leaves no process") {
    temporary_directory dir;
    pid_t pid = 0;
    {
      auto server = embedded_postgres::start(config_in(dir.path() / "data"));
      REQUIRE_MESSAGE(server, server.error().message);
      pid = (*server)->pid();
      CHECK(is_alive(pid));
      CHECK(ask((*server)->dsn(), "SELECT current_setting('fsync')") == "on");
      CHECK(ask((*server)->dsn(), "SELECT current_setting('listen_addresses')") == "");
      CHECK(ask((*server)->dsn(), "SELECT current_setting('server_encoding')") == "UTF8");
      CHECK(ask((*server)->dsn(), "SELECT current_setting('max_connections')") == "10");
      ask((*server)->dsn(), "CREATE TABLE kept AS SELECT 'yes'::text AS v");
      auto before = (*server)->dsn();
      REQUIRE((*server)->restart(postgres_stop::immediate));
      CHECK((*server)->dsn() == before);
      CHECK((*server)->pid() != pid);
      pid = (*server)->pid();
      CHECK(ask((*server)->dsn(), "SELECT v FROM kept") == "yes");
    }
    CHECK_FALSE(is_alive(pid));
    auto again = embedded_postgres::start(config_in(dir.path() / "data"));
    REQUIRE_MESSAGE(again, again.error().message);
    CHECK(ask((*again)->dsn(), "SELECT v FROM kept") == "yes");
  }

  TEST_CASE("it never runs as root and its files are private") {
    temporary_directory dir;
    auto server = embedded_postgres::start(config_in(dir.path() / "data"));
    REQUIRE_MESSAGE(server, server.error().message);
    struct stat process {};
    REQUIRE(stat(("/proc/" + std::to_string((*server)->pid())).c_str(), &process) == 0);
    CHECK(process.st_uid != 0);
    struct stat data {};
    REQUIRE(stat((dir.path() / "data").c_str(), &data) == 0);
    CHECK((data.st_mode & 0777) == 0700);
  }

  TEST_CASE("a directory has one owner at a time") {
    temporary_directory dir;
    auto first = embedded_postgres::start(config_in(dir.path() / "data"));
    REQUIRE_MESSAGE(first, first.error().message);
    auto second = embedded_postgres::start(config_in(dir.path() / "data"));
    REQUIRE_FALSE(second);
    CHECK(second.error().code == errc::conflict);
    CHECK(ask((*first)->dsn(), "SELECT 'still here'::text") == "still here");
  }

  TEST_CASE("a path too long for a socket is no obstacle") {
    temporary_directory dir;
    auto deep = dir.path() / std::string(60, 'a') / std::string(60, 'b');
    auto config = config_in(deep);
    config.ephemeral = true; // removes its short directory under TMPDIR, too
    auto server = embedded_postgres::start(config);
    REQUIRE_MESSAGE(server, server.error().message);
    CHECK(ask((*server)->dsn(), "SELECT 'reached'::text") == "reached");
  }

  TEST_CASE("after kill -9 of the owner its guardian stops the server, and the next start gets everything back") {
    temporary_directory dir;
    orphaned_owner first{dir.path() / "data"};
    ask("host='" + (dir.path() / "data/run").string() + "' user=geartrain dbname=postgres",
        "CREATE TABLE kept AS SELECT 'yes'::text AS v");
    first.kill_owner();
    SUBCASE("at once") {}
    SUBCASE("after the guardian has done its work") {
      REQUIRE(eventually([&] { return !is_alive(first.postmaster); }));
    }
    auto next = embedded_postgres::start(config_in(dir.path() / "data"));
    REQUIRE_MESSAGE(next, next.error().message);
    CHECK(ask((*next)->dsn(), "SELECT v FROM kept") == "yes");
    CHECK((*next)->pid() != first.postmaster);
  }

  TEST_CASE("a server that outlived owner and guardian is stopped by the next start") {
    temporary_directory dir;
    orphaned_owner first{dir.path() / "data"};
    kill(first.postmaster, SIGSTOP); // so that it can't follow its guardian by itself
    kill(parent_of(first.postmaster), SIGKILL);
    first.kill_owner();
    auto wake_up = std::thread{[&] { kill(first.postmaster, SIGCONT); }};
    auto next = embedded_postgres::start(config_in(dir.path() / "data"));
    wake_up.join();
    REQUIRE_MESSAGE(next, next.error().message);
    CHECK((*next)->pid() != first.postmaster);
  }

  TEST_CASE("a stale postmaster.pid that names a stranger is no obstacle") {
    temporary_directory dir;
    {
      auto server = embedded_postgres::start(config_in(dir.path() / "data"));
      REQUIRE_MESSAGE(server, server.error().message);
    }
    std::ofstream{dir.path() / "data/pg/postmaster.pid"} << getpid() << "\n"
                                                         << (dir.path() / "data/pg").string() << "\n";
    auto server = embedded_postgres::start(config_in(dir.path() / "data"));
    REQUIRE_MESSAGE(server, server.error().message);
    CHECK(ask((*server)->dsn(), "SELECT 'up'::text") == "up");
  }

  TEST_CASE("a directory with other things in it is refused and left as it is") {
    temporary_directory dir;
    fs::create_directories(dir.path() / "home");
    std::ofstream{dir.path() / "home/letter.txt"} << "dear all";
    auto server = embedded_postgres::start(config_in(dir.path() / "home"));
    REQUIRE_FALSE(server);
    CHECK(server.error().code == errc::invalid);
    struct stat letter {};
    REQUIRE(stat((dir.path() / "home/letter.txt").c_str(), &letter) == 0);
    CHECK(letter.st_uid == geteuid());
    CHECK_FALSE(fs::exists(dir.path() / "home/pg"));
  }

  TEST_CASE("an initdb that was killed half-way is begun anew") {
    temporary_directory dir;
    fs::create_directories(dir.path() / "data/pg.new/base");
    std::ofstream{dir.path() / "data/pg.new/PG_VERSION"} << "15\n";
    auto server = embedded_postgres::start(config_in(dir.path() / "data"));
    REQUIRE_MESSAGE(server, server.error().message);
    CHECK(ask((*server)->dsn(), "SELECT 'up'::text") == "up");
  }

  TEST_CASE("an ephemeral server takes its files with it") {
    temporary_directory dir;
    {
      auto config = config_in(dir.path() / "data");
      config.ephemeral = true;
      auto server = embedded_postgres::start(config);
      REQUIRE_MESSAGE(server, server.error().message);
      CHECK(fs::exists(dir.path() / "data/pg"));
    }
    CHECK_FALSE(fs::exists(dir.path() / "data"));
  }

  TEST_CASE("a server that can't start says why") {
    temporary_directory dir;
    auto config = config_in(dir.path() / "data");
    config.settings.emplace_back("max_connections", "plenty");
    auto server = embedded_postgres::start(config);
    REQUIRE_FALSE(server);
    CHECK(server.error().message.find("max_connections") != std::string::npos);
  }

} // TEST_SUITE
