#include "runtime/cli/task_watch.hpp"

#include "runtime/cli/task_view.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <ostream>
#include <thread>

namespace geartrain {

namespace {

using json = nlohmann::json;
using steady = std::chrono::steady_clock;

/// A task and its steps at one moment, as the server sent them.
struct sight {
  std::string task_body;
  std::string steps_body;
  json task;
  json steps;
};

class watcher {
public:
  watcher(const cli_context& context, const std::string& task, const watch_options& options)
    : context_(context), path_("/v1/tasks/" + percent_encode(task)), options_(options) {}

  int run() {
    auto deadline = steady::now() + options_.timeout;
    for (milliseconds wait{0};; wait = options_.interval) {
      auto asked = steady::now();
      auto seen = look(wait);
      if (!seen) {
        if (!may_come_back(seen.error()))
          return fail(context_, seen.error());
        std::this_thread::sleep_for(options_.interval);
        continue;
      }
      last_contact_ = steady::now();
      show(*seen);
      auto status = field(seen->task, "status");
      if (is_over(status))
        return finish(*seen, status);
      if (options_.timeout.count() > 0 && steady::now() >= deadline)
        return fail(context_, {errc::conflict,
                               fmt::format("the task is still {} after {} ms", status, options_.timeout.count())});
      std::this_thread::sleep_until(asked + wait); // a node that is busy or going down does not wait
    }
  }

private:
  /// The end of the task is seen at once; what happens before, after `wait`.
  expected<sight> look(milliseconds wait) {
    // The steps are read after the task: once it is over, they are final.
    auto task = get_from_server(context_, fmt::format("{}?wait_ms={}", path_, wait.count()));
    if (!task)
      return task.error();
    auto steps = get_from_server(context_, path_ + "/workflow_steps");
    if (!steps)
      return steps.error();
    sight seen{task->body, steps->body, json::parse(task->body, nullptr, false),
               json::parse(steps->body, nullptr, false)};
    if (!seen.task.is_object() || !seen.steps.is_array())
      return failure{errc::invalid, "the server's answer can't be understood; is this a Geartrain node?"};
    return seen;
  }

  // A node that restarts is no reason to give up, but it must have been there before.
  bool may_come_back(const failure& why) {
    bool away = why.code == errc::unavailable || why.code == errc::timeout || why.code == errc::overloaded;
    if (!away || !last_contact_ || steady::now() - *last_contact_ > options_.outage_tolerance)
      return false;
    if (!warned_)
      *context_.err << "geartrain: the server is away, waiting for it" << std::endl;
    warned_ = true;
    return true;
  }

  void show(const sight& seen) {
    auto now_shown = seen.task_body + seen.steps_body;
    if (now_shown == last_shown_)
      return;
    last_shown_ = std::move(now_shown);
    if (context_.output == output_format::json)
      *context_.out << fmt::format("{{\"task\":{},\"steps\":{}}}\n", seen.task_body, seen.steps_body) << std::flush;
    else if (!context_.out_is_terminal || !redraw(seen))
      print_changes(seen);
  }

  /// False if the picture is higher than the terminal: what has scrolled away can't be drawn over.
  bool redraw(const sight& seen) {
    auto picture = render_task_and_tree(seen);
    auto lines = std::count(picture.begin(), picture.end(), '\n');
    winsize window{};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_row > 0 && lines >= window.ws_row)
      return false;
    if (drawn_lines_ > 0)
      *context_.out << fmt::format("\x1b[{}A\x1b[J", drawn_lines_);
    *context_.out << picture << std::flush;
    drawn_lines_ = lines;
    return true;
  }

  void print_changes(const sight& seen) {
    for (const auto& step : tree_of(seen.steps, nullptr)) {
      auto line = fmt::format("{} {}{}{}", step.name, step.state,
                              step.attempts > 1 ? fmt::format(" attempt {}", step.attempts) : "",
                              step.note.empty() ? "" : " " + step.note);
      if (auto& known = printed_[step.name]; known != line) {
        known = line;
        *context_.out << "step " << line << "\n";
      }
    }
    if (auto status = field(seen.task, "status"); printed_[""] != status) {
      printed_[""] = status;
      *context_.out << "task " << status << "\n";
    }
    *context_.out << std::flush;
  }

  std::string render_task_and_tree(const sight& seen) {
    if (template_.is_null())
      fetch_template(seen.task);
    return render_task(seen.task, context_.paint) + "\n" +
           render_step_tree(tree_of(seen.steps, template_), context_.paint);
  }

  // Only for the shape of the tree; without it the steps stand in a row.
  void fetch_template(const json& task) {
    auto target = fmt::format("/v1/templates/{}/{}/{}", percent_encode(field(task, "namespace")),
                              percent_encode(field(task, "name")), percent_encode(field(task, "version")));
    auto answer = get_from_server(context_, target);
    template_ = answer ? json::parse(answer->body, nullptr, false) : json::object();
  }

  int finish(const sight& seen, const std::string& status) {
    if (context_.output == output_format::table && !context_.out_is_terminal)
      *context_.out << "\n" << render_task_and_tree(seen) << std::flush;
    return status == "complete" ? exit_ok : exit_failed;
  }

  const cli_context& context_;
  std::string path_;
  watch_options options_;
  std::optional<steady::time_point> last_contact_;
  bool warned_ = false;
  std::string last_shown_;
  std::ptrdiff_t drawn_lines_ = 0;
  std::map<std::string, std::string> printed_; // by step name; the task itself under ""
  json template_;
};

} // namespace

int watch_task(const cli_context& context, const std::string& task, const watch_options& options) {
  return watcher{context, task, options}.run();
}

} // namespace geartrain
