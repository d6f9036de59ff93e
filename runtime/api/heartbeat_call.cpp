#include "runtime/api/heartbeat_call.hpp"

#include "runtime/api/api_error.hpp"
#include "runtime/api/json_writer.hpp"
#include "runtime/api/object_reader.hpp"
#include "runtime/api/report_gather.hpp"
#include "runtime/api/report_item.hpp"
#include "runtime/api/worker_limits.hpp"

namespace geartrain {

namespace {

bool is_recorded(const report_answer& answer) {
  return answer.status == report_status::accepted || answer.status == report_status::duplicate;
}

/// One heartbeat from its parsed body to its answer.
class heartbeat_call : public std::enable_shared_from_this<heartbeat_call> {
public:
  heartbeat_call(api_ptr api, responder reply, admission_ticket ticket, std::string worker)
    : api_(std::move(api)), reply_(std::move(reply)), ticket_(std::move(ticket)), worker_(std::move(worker)) {}

  void start(const std::vector<json_view>& leases) {
    report_reading reading{*api_->context.mint, worker_, api_->context.max_requested_delay, api_->now()};
    std::vector<step_report> checkpoints;
    for (const auto& lease : leases) {
      items_.push_back(read_heartbeat(lease, reading));
      if (items_.back().checkpoint)
        checkpoints.push_back(std::move(*items_.back().checkpoint));
    }
    submit_all(api_, std::move(checkpoints), [self = shared_from_this()](expected<report_answers> answers) {
      if (!answers)
        return self->reply_(error_of(answers.error()));
      self->recorded_ = std::move(*answers);
      self->extend();
    });
  }

private:
  void extend() {
    heartbeat_request asked;
    asked.worker = worker_;
    for (const auto& item : items_)
      if (item.lease.token)
        asked.tokens.push_back(*item.lease.token);
    if (asked.tokens.empty())
      return reply_(response({}));
    asked.done = completion<std::vector<heartbeat_answer>>{
      [self = shared_from_this()](expected<std::vector<heartbeat_answer>> answers) {
        if (!answers)
          return self->reply_(error_of(answers.error()));
        self->reply_(self->response(*answers));
      }};
    api_->calls.heartbeat(std::move(asked));
  }

  /// The answers stand in the order of the items whose token is genuine.
  http_response response(const std::vector<heartbeat_answer>& answers) const {
    json_writer out;
    out.begin_object().key("leases").begin_array();
    std::size_t next = 0;
    std::size_t next_checkpoint = 0;
    for (const auto& item : items_) {
      bool stands = !item.checkpoint || is_recorded(recorded_[next_checkpoint++]);
      if (!item.lease.token || next >= answers.size()) {
        write_item_answer(out, item.lease.step_uuid, "invalid", item.lease.invalid);
        continue;
      }
      auto answer = answers[next++];
      if (!stands && answer.status == heartbeat_status::extended)
        answer.status = heartbeat_status::lost;
      out.begin_object().field("step_uuid", item.lease.step_uuid).field("status", to_string(answer.status));
      if (answer.status == heartbeat_status::extended)
        out.field("lease_expires_at", answer.expires_at);
      out.end_object();
    }
    return json_response(200, out.end_array().end_object().take());
  }

  api_ptr api_;
  responder reply_;
  admission_ticket ticket_;
  std::string worker_;
  std::vector<heartbeat_item> items_;
  report_answers recorded_; ///< of the items with a checkpoint, in their order
};

} // namespace

void extend_leases(const api_ptr& api, const http_request& request, const responder& reply) {
  auto parsed = parse_body(request.body, max_worker_body_depth);
  if (auto* refused = std::get_if<http_response>(&parsed))
    return reply(std::move(*refused));
  problems found;
  object_reader body{std::get<json_view>(parsed), "", found};
  auto worker = body.text("worker_id", worker_id_limits, presence::required);
  auto leases = body.array("leases", max_items, presence::required);
  if (!found.empty())
    return reply(problems_error(400, "BAD_REQUEST", "", found));
  auto ticket = api->admit(admission_kind::read, 1, reply);
  if (!ticket)
    return;
  std::make_shared<heartbeat_call>(api, reply, std::move(ticket), std::move(*worker))->start(*leases);
}

} // namespace geartrain
