#include "runtime/api/report_gather.hpp"

#include <mutex>
#include <optional>

namespace geartrain {

namespace {

class report_gather : public std::enable_shared_from_this<report_gather> {
public:
  report_gather(admission_ticket ticket, std::size_t count, std::function<void(expected<report_answers>)> done)
    : ticket_(std::move(ticket)), answers_(count), open_(count), done_(std::move(done)) {}

  completion<report_answer> slot(std::size_t index) {
    return completion<report_answer>{
      [self = shared_from_this(), index](expected<report_answer> answer) { self->answered(index, std::move(answer)); }};
  }

private:
  void answered(std::size_t index, expected<report_answer> answer) {
    {
      std::lock_guard guard{mutex_};
      if (answer)
        answers_[index] = std::move(*answer);
      else if (!failed_)
        failed_ = std::move(answer.error());
      if (--open_ > 0)
        return;
    }
    ticket_.reset();
    auto done = std::move(done_);
    if (failed_)
      done(std::move(*failed_));
    else
      done(std::move(answers_));
  }

  admission_ticket ticket_;
  std::mutex mutex_;
  report_answers answers_;
  std::size_t open_;
  std::optional<failure> failed_;
  std::function<void(expected<report_answers>)> done_;
};

} // namespace

void submit_all(const api_ptr& api, std::vector<step_report> reports,
                std::function<void(expected<report_answers>)> done) {
  if (reports.empty())
    return done(report_answers{});
  auto ticket = api->context.gate->enter(admission_kind::report, static_cast<std::uint32_t>(reports.size()));
  if (!ticket)
    return done(failure{errc::overloaded, "too many results are in flight"});
  auto gather = std::make_shared<report_gather>(std::move(ticket), reports.size(), std::move(done));
  std::vector<report_message> messages;
  messages.reserve(reports.size());
  for (std::size_t i = 0; i < reports.size(); ++i)
    messages.push_back({std::move(reports[i]), gather->slot(i)});
  api->calls.report(std::move(messages));
}

} // namespace geartrain
