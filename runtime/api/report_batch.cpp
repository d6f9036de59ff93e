#include "runtime/api/report_batch.hpp"

namespace geartrain {

report_batch::report_batch(const api_ptr& api, const std::vector<json_view>& items, std::string_view worker)
  : api_(api) {
  report_reading reading{*api->context.mint, worker, api->context.max_requested_delay, api->now()};
  items_.reserve(items.size());
  for (const auto& item : items)
    items_.push_back(read_report(item, reading));
}

void report_batch::apply(std::function<void(std::optional<failure>)> applied) {
  answers_.resize(items_.size());
  std::vector<report_message> reports;
  for (std::size_t i = 0; i < items_.size(); ++i) {
    if (!items_[i].report) {
      answers_[i] = {report_status::invalid, items_[i].invalid};
      continue;
    }
    reports.push_back({std::move(*items_[i].report),
                       completion<report_answer>{[self = shared_from_this(), i](expected<report_answer> answer) {
                         self->answered(i, std::move(answer));
                       }}});
  }
  if (reports.empty())
    return applied(std::nullopt);
  ticket_ = api_->context.gate->enter(admission_kind::report, static_cast<std::uint32_t>(reports.size()));
  applied_ = std::move(applied);
  open_ = reports.size();
  if (ticket_) {
    api_->calls.report(std::move(reports));
    return;
  }
  for (auto& one : reports)
    one.done(failure{errc::overloaded, "too many results are in flight"});
}

void report_batch::answered(std::size_t index, expected<report_answer> answer) {
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
  auto applied = std::move(applied_);
  applied(failed_);
}

void report_batch::write(json_writer& out) const {
  out.key("results").begin_array();
  for (std::size_t i = 0; i < items_.size(); ++i)
    write_item_answer(out, items_[i].step_uuid, to_string(answers_[i].status), answers_[i].message);
  out.end_array();
}

} // namespace geartrain
