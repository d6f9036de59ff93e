#include "runtime/cli/cli_context.hpp"
#include "runtime/cli/json_fields.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

// `task create-bulk`: a file of creations, a JSON object a line, sent in calls of up to 1,000.

namespace geartrain {

namespace {

constexpr std::size_t max_items = 1000;
constexpr std::size_t max_call_bytes = std::size_t{8} << 20; ///< half of what a node takes by default

class bulk_creator {
public:
  explicit bulk_creator(const cli_context& context) : context_(context) {}

  int run(std::istream& in) {
    std::string line;
    for (std::size_t number = 1; std::getline(in, line); ++number) {
      if (line.find_first_not_of(" \t\r") == std::string::npos)
        continue;
      if (!nlohmann::json::accept(line) || line[line.find_first_not_of(" \t\r")] != '{') {
        complain(number, "is no JSON object");
        continue;
      }
      if (lines_.size() == max_items || (!lines_.empty() && items_.size() + line.size() > max_call_bytes))
        if (auto why = send())
          return give_up(*why);
      items_ += (lines_.empty() ? "" : ",") + line;
      lines_.push_back(number);
    }
    if (auto why = send())
      return give_up(*why);
    if (context_.output == output_format::table)
      *context_.out << fmt::format("created {}, failed {}", created_, failed_) << std::endl;
    return failed_ == 0 ? exit_ok : exit_failed;
  }

private:
  /// What stopped the call as a whole, if anything did.
  std::optional<failure> send() {
    if (lines_.empty())
      return std::nullopt;
    auto answer = post_to_server(context_, "/v1/tasks/bulk", "application/json", "{\"tasks\":[" + items_ + "]}");
    auto body = parse_answer(answer);
    if (!body)
      return body.error();
    const auto& results = member(*body, "results");
    if (!results.is_array() || results.size() != lines_.size())
      return failure{errc::invalid, "the server's answer can't be understood; is this a Geartrain node?"};
    for (std::size_t i = 0; i < lines_.size(); ++i)
      note(results[i], lines_[i]);
    if (context_.output == output_format::json)
      print_json(context_, answer->body);
    items_.clear();
    lines_.clear();
    return std::nullopt;
  }

  void note(const nlohmann::json& result, std::size_t line) {
    if (number(result, "status") == 201)
      ++created_;
    else
      complain(line, describe_error(result));
  }

  void complain(std::size_t line, const std::string& what) {
    ++failed_;
    *context_.err << fmt::format("line {}: {}\n", line, what);
  }

  static std::string describe_error(const nlohmann::json& result) {
    const auto& error = member(result, "error");
    auto text = fmt::format("{} ({})", field(error, "message"), field(error, "code"));
    return field(error, "code") == "CONFLICT" ? text + " " + field(error, "details") : text;
  }

  int give_up(const failure& why) {
    auto code = fail(context_, why);
    *context_.err << fmt::format("Before that {} were created and {} failed; lines {} to {} may not have been.\n",
                                 created_, failed_, lines_.front(), lines_.back());
    return code;
  }

  const cli_context& context_;
  std::string items_;              ///< of the next call, with commas between
  std::vector<std::size_t> lines_; ///< of each item
  std::size_t created_ = 0;
  std::size_t failed_ = 0;
};

int create_bulk(const cli_context& context, const std::string& path) {
  if (path == "-")
    return bulk_creator{context}.run(std::cin);
  std::ifstream in{path, std::ios::binary};
  if (!in)
    return fail_usage(context, fmt::format("can't read {}: {}", path, std::strerror(errno)));
  return bulk_creator{context}.run(in);
}

} // namespace

void add_task_bulk(CLI::App& group, cli_context& context) {
  auto path = std::make_shared<std::string>();
  auto app = group.add_subcommand("create-bulk", "Create many tasks; exit code 1 if any was refused");
  app->add_option("--file", *path, "JSON lines: on each an object such as POST /v1/tasks takes; - for standard input")
    ->required();
  app->callback([&context, path] { context.run = [&context, path] { return create_bulk(context, *path); }; });
}

} // namespace geartrain
