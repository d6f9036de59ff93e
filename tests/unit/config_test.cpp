#include "runtime/config_loader.hpp"
#include "runtime/config_schema.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <fstream>
#include <iterator>

namespace geartrain {
namespace {

/// A configuration file that is gone at the end of the test.
class temporary_file {
public:
  explicit temporary_file(std::string_view text) {
    std::string name = (std::filesystem::temp_directory_path() / "geartrain-config-XXXXXX").string();
    int fd = mkstemp(name.data());
    REQUIRE(fd >= 0);
    REQUIRE(write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    close(fd);
    path_ = name;
  }
  temporary_file(const temporary_file&) = delete;
  temporary_file& operator=(const temporary_file&) = delete;
  ~temporary_file() { std::filesystem::remove(path_); }

  const std::filesystem::path& path() const { return path_; }

private:
  std::filesystem::path path_;
};

loaded_config must_load(const config_sources& sources) {
  auto loaded = load_config(sources);
  if (auto found = std::get_if<config_problems>(&loaded))
    for (const auto& problem : *found)
      FAIL_CHECK(problem);
  REQUIRE(std::holds_alternative<loaded_config>(loaded));
  return std::get<loaded_config>(loaded);
}

/// All complaints about a file, one a line, with the name of the file cut off.
std::string complaints_about(std::string_view text) {
  temporary_file file{text};
  auto loaded = load_config({file.path(), {}, {}});
  REQUIRE(std::holds_alternative<config_problems>(loaded));
  std::string all;
  for (const auto& problem : std::get<config_problems>(loaded)) {
    CHECK(problem.starts_with(file.path().string() + ":"));
    all += problem.substr(file.path().string().size() + 1) + "\n";
  }
  return all;
}

/// Something that a text may hold, and that is not its default.
std::string a_text_for(const config_key& key) {
  for (auto text : {"text", "host=/run", "0.0.0.0:1"})
    if (key.has_form == nullptr || key.has_form(text))
      return text;
  FAIL("no text fits ", key.path);
  return {};
}

/// The first complaint about settings that come from the environment.
std::string complaint_about(const std::map<std::string, std::string>& variables) {
  auto loaded = load_config({{}, variables, {}});
  REQUIRE(std::holds_alternative<config_problems>(loaded));
  return std::get<config_problems>(loaded).at(0);
}

} // namespace

TEST_CASE("config: without any source everything has its default") {
  auto loaded = must_load({});
  CHECK(loaded.settings.server.listen == "127.0.0.1:8080");
  CHECK(loaded.settings.workers.lease == milliseconds{30000});
  CHECK(loaded.settings.database.url.empty());
  CHECK(loaded.origins.at("workers.lease_ms") == "default");
  CHECK(loaded.warnings.empty());
}

TEST_CASE("config: an empty file says nothing") {
  for (auto text : {"", "# only a comment\n", "---\n"}) {
    temporary_file file{text};
    CHECK(must_load({file.path(), {}, {}}).settings.node.shards == 8);
  }
}

TEST_CASE("config: every kind of value is read from a file") {
  temporary_file file{"server:\n"
                      "  listen: '[::1]:0'\n"
                      "  cors_origins: [https://a.example, 'http://localhost:3000']\n"
                      "database: {url: 'postgresql://u:p@h/d', max_batch: 64}\n"
                      "retry:\n"
                      "  max_server_delay_seconds: 60\n"
                      "limits:\n"
                      "log:\n"
                      "  format: json\n"};
  auto loaded = must_load({file.path(), {}, {}});
  CHECK(loaded.settings.server.listen == "[::1]:0");
  CHECK(loaded.settings.server.cors_origins == std::vector<std::string>{"https://a.example", "http://localhost:3000"});
  CHECK(loaded.settings.database.url == "postgresql://u:p@h/d");
  CHECK(loaded.settings.database.max_batch == 64);
  CHECK(loaded.settings.retry.max_server_delay == std::chrono::seconds{60});
  CHECK(loaded.settings.log.format == log_format::json);
  CHECK(loaded.origins.at("database.max_batch") == file.path().filename().string() + ":4");
}

TEST_CASE("config: a flag wins over the environment, the environment over the file") {
  temporary_file file{"workers:\n  lease_ms: 1000\nnode:\n  shards: 3\nlog:\n  level: debug\n"};
  config_sources sources{file.path(),
                         {{"GEARTRAIN_WORKERS_LEASE_MS", "2000"}, {"GEARTRAIN_NODE_SHARDS", "5"}},
                         {{"workers.lease_ms", "4000"}}};
  auto loaded = must_load(sources);
  CHECK(loaded.settings.workers.lease == milliseconds{4000});
  CHECK(loaded.settings.node.shards == 5);
  CHECK(loaded.settings.log.level == "debug");
  CHECK(loaded.origins.at("workers.lease_ms") == "--workers-lease-ms");
  CHECK(loaded.origins.at("node.shards") == "GEARTRAIN_NODE_SHARDS");
}

TEST_CASE("config: each key has its twin in the environment") {
  for (const auto& key : config_keys()) {
    INFO(key.path);
    auto text = key.kind == value_kind::integer  ? std::to_string(key.most)
                : key.kind == value_kind::choice ? std::string{key.choices.back()}
                : key.kind == value_kind::list   ? std::string{"https://a.example, https://b.example"}
                                                 : a_text_for(key);
    // What some keys demand of others.
    std::map<std::string, std::string> variables{{"GEARTRAIN_RETRY_MAX_MS", "86400000"},
                                                 {"GEARTRAIN_CLUSTER_VALID_FOR_MS", "600000"},
                                                 {"GEARTRAIN_CLUSTER_CERTIFICATE", "text"},
                                                 {"GEARTRAIN_CLUSTER_KEY", "text"},
                                                 {"GEARTRAIN_CLUSTER_AUTHORITY", "text"}};
    variables[environment_name(key)] = text;
    auto loaded = must_load({{}, variables, {}});
    auto shown = show_config_value(key, key.get(loaded.settings));
    CHECK(shown == (key.kind == value_kind::list ? "https://a.example,https://b.example" : text));
    CHECK(loaded.origins.at(std::string{key.path}) == environment_name(key));
  }
}

TEST_CASE("config: names of twins follow from the path") {
  auto key = find_config_key("database.max_batch");
  REQUIRE(key != nullptr);
  CHECK(environment_name(*key) == "GEARTRAIN_DATABASE_MAX_BATCH");
  CHECK(flag_name(*key) == "--database-max-batch");
}

TEST_CASE("config: all problems of a file come at once, with line, key, value and what to do") {
  CHECK(complaints_about("server:\n"
                         "  listen: nowhere\n"
                         "  thraeds: 2\n"
                         "databse:\n"
                         "  url: x\n"
                         "workers:\n"
                         "  lease_ms: soon\n"
                         "node:\n"
                         "  shards: 0\n"
                         "  threads: '4'\n"
                         "log: loud\n"
                         "limits:\n"
                         "  resident_tasks:\n"
                         "  waiting_polls: [1]\n"
                         "  waiting_polls: 2\n") ==
        "2: server.listen: \"nowhere\" does not have the right form; give an IP address and a port, such as "
        "127.0.0.1:8080 or [::1]:8080\n"
        "3: server.thraeds: unknown key; did you mean \"server.threads\"?\n"
        "4: databse: unknown section; did you mean \"database\"?\n"
        "7: workers.lease_ms: \"soon\" is not a whole number; give a whole number from 50 to 86400000\n"
        "9: node.shards: 0 is out of range; give a whole number from 1 to 256\n"
        "10: node.threads: \"4\" is a text; give a whole number from 0 to 1024, without quotes\n"
        "11: log: not a mapping; write its keys below, indented\n"
        "13: limits.resident_tasks: no value; remove the line for the default, or give a whole number from 1 to "
        "100000000\n"
        "14: limits.waiting_polls: not a single value; give a whole number from 1 to 1000000\n"
        "15: limits.waiting_polls: this key was there before; keep one of the two\n");
}

TEST_CASE("config: numbers are whole, in range and nothing else") {
  for (auto text : {"1.5", "1e3", "0x10", " 8", "8 ", "+8", "99999999999999999999", "-1", "\"\"", "true"}) {
    INFO(text);
    auto loaded = load_config({{}, {{"GEARTRAIN_NODE_SHARDS", text}}, {}});
    REQUIRE(std::holds_alternative<config_problems>(loaded));
    CHECK(std::get<config_problems>(loaded).at(0).starts_with("GEARTRAIN_NODE_SHARDS (node.shards): "));
  }
}

TEST_CASE("config: lists and choices are checked element by element") {
  CHECK(complaints_about("server:\n  cors_origins: https://a.example\n") ==
        "2: server.cors_origins: not a list; give a list, each element an origin such as https://example.com, or *, as "
        "in [a, b]\n");
  CHECK(complaints_about("server:\n  cors_origins:\n    - https://a.example\n    - a.example\n") ==
        "4: server.cors_origins: \"a.example\" does not have the right form; give an origin such as "
        "https://example.com, or *\n");
  CHECK(complaints_about("log:\n  level: loud\n") ==
        "2: log.level: \"loud\" is not known here; give one of trace, debug, info, warn, error, off\n");
}

TEST_CASE("config: files that are no configuration are refused") {
  CHECK(complaints_about("server:\n  listen: [\n").starts_with("3: not valid YAML: "));
  CHECK(complaints_about("- a\n- b\n").starts_with("1: not a mapping of sections"));
  CHECK(complaints_about("---\nlog:\n---\nlog:\n").find("a second document") != std::string::npos);
  auto missing = load_config({std::filesystem::path{"/nonexistent/geartrain.yaml"}, {}, {}});
  REQUIRE(std::holds_alternative<config_problems>(missing));
  CHECK(std::get<config_problems>(missing).at(0) ==
        "/nonexistent/geartrain.yaml: can't read the configuration file; check the path and its rights");
  auto folder = load_config({std::filesystem::temp_directory_path(), {}, {}});
  CHECK(std::holds_alternative<config_problems>(folder));
}

TEST_CASE("config: settings that contradict each other are refused with both origins") {
  auto loaded = load_config({{}, {{"GEARTRAIN_RETRY_BASE_MS", "5000"}}, {{"retry.max_ms", "1000"}}});
  REQUIRE(std::holds_alternative<config_problems>(loaded));
  CHECK(
    std::get<config_problems>(loaded).at(0) ==
    "--retry-max-ms (retry.max_ms): 1000 is less than retry.base_ms, which is 5000 (GEARTRAIN_RETRY_BASE_MS); raise "
    "the one or lower the other");
}

TEST_CASE("config: a variable that is nearly a twin is warned about, others are left alone") {
  auto loaded = must_load({{}, {{"GEARTRAIN_DATABASE_URI", "x"}, {"GEARTRAIN_URL", "y"}}, {}});
  CHECK(loaded.warnings ==
        std::vector<std::string>{"the variable GEARTRAIN_DATABASE_URI sets nothing: there is no such key"});
}

TEST_CASE("config: the password of a database URL is never shown") {
  CHECK(redact_database_url("postgresql://u:secret@h:5432/d?sslmode=require") ==
        "postgresql://u:***@h:5432/d?sslmode=require");
  CHECK(redact_database_url("postgres://u:p@ss@h/d") == "postgres://u:***@h/d");
  CHECK(redact_database_url("postgres://u@h/d?password=secret&user=u") == "postgres://u@h/d?password=***&user=u");
  CHECK(redact_database_url("host=/run dbname=d password=secret user=u") == "host=/run dbname=d password=*** user=u");
  CHECK(redact_database_url("PASSWORD = 'a b\\' c' host=h") == "PASSWORD = *** host=h");
  CHECK(redact_database_url("password=") == "password=");
  CHECK(redact_database_url("postgresql://u@h/d") == "postgresql://u@h/d");
  CHECK(redact_database_url("host=/run dbname=d") == "host=/run dbname=d");
  auto key = find_config_key("database.url");
  REQUIRE(key != nullptr);
  CHECK(show_config_value(*key, config_value{std::string{"postgresql://u:secret@h/d"}}) == "postgresql://u:***@h/d");
  auto complaint = load_config({{}, {{"GEARTRAIN_DATABASE_URL", "mysql://u:secret@h/d"}}, {}});
  REQUIRE(std::holds_alternative<config_problems>(complaint));
  CHECK(std::get<config_problems>(complaint).at(0) ==
        "GEARTRAIN_DATABASE_URL (database.url): the value (not shown) does not have the right form; give "
        "postgresql://user:password@host:5432/database");
}

TEST_CASE("config: listen addresses") {
  auto v4 = parse_listen_address("0.0.0.0:80");
  REQUIRE(v4);
  CHECK(v4->host == "0.0.0.0");
  CHECK(v4->port == 80);
  auto v6 = parse_listen_address("[::1]:0");
  REQUIRE(v6);
  CHECK(v6->host == "::1");
  CHECK(parse_listen_address("localhost:1")->host == "127.0.0.1");
  for (auto wrong : {"", ":", ":80", "80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "::1:80",
                     "[::1]", "[]:80", "[127.0.0.1]:80", "example.com:80", "127.0.0.1:80 "}) {
    INFO(wrong);
    CHECK_FALSE(parse_listen_address(wrong));
  }
}

TEST_CASE("config: addresses that are told to others") {
  auto name = parse_advertised_address("node-1.internal:7070");
  REQUIRE(name);
  CHECK(name->host == "node-1.internal");
  CHECK(name->port == 7070);
  CHECK(parse_advertised_address("10.0.0.1:1")->host == "10.0.0.1");
  CHECK(parse_advertised_address("[fe80::1]:1")->host == "fe80::1");
  CHECK(parse_advertised_address("localhost:1")->host == "localhost");
  for (auto wrong : {"", ":", ":80", "80", "node", "node:", "node:0", "10.0.0.1:0", "[::1]:0", "node:65536", "::1:80",
                     "10.0.0:80", "10.0.0.1.2:80", "-node:1", ".node:1", "a..b:1", "no de:1", "node:1 ", "node:1:2"}) {
    INFO(wrong);
    CHECK_FALSE(parse_advertised_address(wrong));
  }
}

TEST_CASE("config: the cluster's settings are checked one by one and together") {
  auto set = must_load({{},
                        {{"GEARTRAIN_CLUSTER_LISTEN", "0.0.0.0:7070"},
                         {"GEARTRAIN_CLUSTER_ADVERTISE", "node-1:7070"},
                         {"GEARTRAIN_CLUSTER_NAME", "Node_1.a-b"},
                         {"GEARTRAIN_CLUSTER_BEAT_MS", "100"},
                         {"GEARTRAIN_CLUSTER_VALID_FOR_MS", "200"}},
                        {}})
               .settings.cluster;
  CHECK(set.advertise == "node-1:7070");
  CHECK(set.name == "Node_1.a-b");
  CHECK(set.beat == milliseconds{100});
  CHECK(set.valid_for == milliseconds{200});
  CHECK(set.enabled == "on");
  CHECK(
    complaint_about({{"GEARTRAIN_CLUSTER_ADVERTISE", "node-1"}}) ==
    "GEARTRAIN_CLUSTER_ADVERTISE (cluster.advertise): \"node-1\" does not have the right form; give HOST:PORT, such "
    "as node-1.internal:7070, or nothing");
  CHECK(complaint_about({{"GEARTRAIN_CLUSTER_NAME", "a b"}}).find("up to 64 letters") != std::string::npos);
  CHECK(complaint_about({{"GEARTRAIN_CLUSTER_NAME", std::string(65, 'a')}}).find("up to 64") != std::string::npos);
  CHECK(complaint_about({{"GEARTRAIN_CLUSTER_BEAT_MS", "2000"}}) ==
        "default (cluster.valid_for_ms): 3500 is less than two beats of cluster.beat_ms, which is 2000 "
        "(GEARTRAIN_CLUSTER_BEAT_MS); raise the one or lower the other");
  CHECK(complaint_about({{"GEARTRAIN_CLUSTER_KEY", "k.pem"}, {"GEARTRAIN_CLUSTER_CERTIFICATE", "c.pem"}}) ==
        "GEARTRAIN_CLUSTER_CERTIFICATE (cluster.certificate): set, but cluster.authority is not; set "
        "cluster.certificate, cluster.key and cluster.authority, or none of them");
  CHECK(complaint_about({{"GEARTRAIN_CLUSTER_AUTHORITY", "a.pem"}})
          .starts_with("GEARTRAIN_CLUSTER_AUTHORITY (cluster.authority): set, but cluster.certificate is not; "));
}

TEST_CASE("config: the shipped default file is the table, and loads as the defaults") {
  auto path = std::filesystem::path{GEARTRAIN_SOURCE_DIR} / "config/geartrain.yaml";
  std::ifstream in{path};
  REQUIRE(in);
  std::string text{std::istreambuf_iterator<char>{in}, {}};
  CHECK(text == default_config_text());
  auto from_file = must_load({path, {}, {}});
  const config defaults;
  for (const auto& key : config_keys())
    CHECK(key.get(from_file.settings) == key.get(defaults));
}

} // namespace geartrain
