#pragma once

#include "messages/expected.hpp"
#include "runtime/cli/http_client.hpp"
#include "runtime/cli/style.hpp"

#include <nlohmann/json_fwd.hpp>

#include <functional>
#include <iosfwd>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
} // namespace CLI

namespace geartrain {

/// What the program returns to the shell.
enum exit_code : int {
  exit_ok = 0,
  exit_failed = 1,      ///< the answer is no: not found, refused, a task that did not complete
  exit_usage = 2,       ///< the command line or the configuration is wrong
  exit_unreachable = 3, ///< the server (or the database) does not answer
};

/// Results go to standard output, everything else to standard error.
enum class output_format { table, json };

/// What every command has at hand. The parser fills it; then `run` holds the chosen command. Not thread-safe.
struct cli_context {
  std::string url = "http://127.0.0.1:8080";
  output_format output = output_format::table;
  std::ostream* out = nullptr;
  std::ostream* err = nullptr;
  style paint; ///< for standard output
  bool out_is_terminal = false;
  std::map<std::string, std::string> environment;
  std::function<int()> run;
};

/// Calls the server of --url. Only a 2xx is an answer; every other status becomes a failure whose message is the server's
/// own, with its details on further lines. errc::unavailable and errc::timeout: there was no answer.
expected<http_answer> get_from_server(const cli_context& context, std::string target);
expected<http_answer> post_to_server(const cli_context& context, std::string target, std::string content_type,
                                     std::string body);

/// With a JSON body; an empty one is left out.
expected<http_answer> send_to_server(const cli_context& context, std::string method, std::string target,
                                     std::string json_body = {});

/// The body of an answer as JSON; errc::invalid if it is none.
expected<nlohmann::json> parse_answer(const expected<http_answer>& answer);

/// Prints "geartrain: error: ..." and gives the exit code that fits the failure.
int fail(const cli_context& context, const failure& why);

/// Prints a complaint about the command line and gives exit_usage.
int fail_usage(const cli_context& context, const std::string& message);

/// One line of JSON on standard output, exactly as the server sent it.
int print_json(const cli_context& context, const std::string& body);

/// Prints an answer as it is, or as `render` makes it fit for people, and gives the exit code.
int show_answer(const cli_context& context, const expected<http_answer>& answer,
                const std::function<std::string(const nlohmann::json& body)>& render);

/// Puts "?name=value&…" together, everything encoded; absent values are left out.
class query_text {
public:
  query_text& add(std::string_view name, const std::optional<std::string>& value);
  const std::string& text() const { return text_; }

private:
  std::string text_;
};

/// The parts of "namespace/name/version" between the slashes.
std::vector<std::string> split_reference(std::string_view text);

// -- the groups of commands: each adds itself to the parser -----------------------

void add_task_commands(CLI::App& app, cli_context& context);
void add_step_commands(CLI::App& app, cli_context& context);
void add_template_commands(CLI::App& app, cli_context& context);
void add_config_commands(CLI::App& app, cli_context& context);
void add_server_commands(CLI::App& app, cli_context& context);
void add_dlq_commands(CLI::App& app, cli_context& context);
void add_analytics_commands(CLI::App& app, cli_context& context);
void add_namespace_commands(CLI::App& app, cli_context& context);
void add_retention_commands(CLI::App& app, cli_context& context);
void add_cluster_commands(CLI::App& app, cli_context& context);
void add_bench_commands(CLI::App& app, cli_context& context);
void add_top_command(CLI::App& app, cli_context& context);
void add_doctor_command(CLI::App& app, cli_context& context);

// -- commands that add themselves to a group of another file ----------------------

void add_task_bulk(CLI::App& group, cli_context& context);
void add_task_acts(CLI::App& group, cli_context& context);
void add_step_acts(CLI::App& group, cli_context& context);
void add_template_pauses(CLI::App& group, cli_context& context);

} // namespace geartrain
