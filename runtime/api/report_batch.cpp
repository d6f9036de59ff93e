#include "runtime/api/report_batch.hpp"

#include "runtime/api/report_gather.hpp"

namespace geartrain {

report_batch::report_batch(const api_ptr& api, const std::vector<json_view>& items, std::string_view worker)
  : api_(api) {
  report_reading reading{*api->context.mint, worker, api->context.max_requested_delay, api->now()};
  items_.reserve(items.size());
  for (const auto& item : items)
    items_.push_back(read_report(item, reading));
}

void report_batch::apply(std::function<void(std::optional<failure>)> applied) {
  std::vector<step_report> reports;
  for (auto& item : items_)
    if (item.report)
      reports.push_back(std::move(*item.report));
  submit_all(api_, std::move(reports),
             [self = shared_from_this(), applied = std::move(applied)](expected<report_answers> answers) {
               if (!answers)
                 return applied(std::move(answers.error()));
               self->answers_ = std::move(*answers);
               applied(std::nullopt);
             });
}

void report_batch::write(json_writer& out) const {
  out.key("results").begin_array();
  std::size_t next = 0;
  for (const auto& item : items_) {
    if (!item.report) {
      write_item_answer(out, item.step_uuid, to_string(report_status::invalid), item.invalid);
      continue;
    }
    const auto& answer = answers_[next++];
    write_item_answer(out, item.step_uuid, to_string(answer.status), answer.message);
  }
  out.end_array();
}

} // namespace geartrain
