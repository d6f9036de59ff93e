#include "runtime/api/poll_call.hpp"

#include "runtime/api/api_error.hpp"
#include "runtime/api/json_writer.hpp"
#include "runtime/api/object_reader.hpp"
#include "runtime/api/report_batch.hpp"
#include "runtime/api/step_json.hpp"
#include "runtime/api/worker_limits.hpp"

#include <algorithm>

namespace geartrain {

namespace {

struct poll_body {
  poll_request poll;
  std::vector<json_view> results;
};

std::variant<poll_body, http_response> parse_poll(std::string_view text) {
  auto parsed = parse_body(text, max_worker_body_depth);
  if (auto* refused = std::get_if<http_response>(&parsed))
    return std::move(*refused);
  problems found;
  object_reader body{std::get<json_view>(parsed), "", found};
  poll_body result;
  result.poll.worker = body.text("worker_id", worker_id_limits, presence::required).value_or("");
  auto namespaces = body.texts("namespaces", max_filters, {1, 255}, presence::required);
  if (namespaces && namespaces->empty())
    body.wrong("namespaces", "must not be empty");
  result.poll.namespaces = std::move(namespaces).value_or(std::vector<std::string>{});
  result.poll.handlers = body.texts("handlers", max_filters, {1, 255});
  if (result.poll.handlers && result.poll.handlers->empty())
    body.wrong("handlers", "must not be empty; leave it out to take any handler");
  result.poll.max_steps = static_cast<std::uint32_t>(body.integer("max_steps", 1, max_poll_steps).value_or(1));
  result.poll.wait = milliseconds{body.integer("wait_ms", 0, max_wait_ms).value_or(0)};
  result.results = body.array("results", max_items).value_or(std::vector<json_view>{});
  if (!found.empty())
    return problems_error(400, "BAD_REQUEST", "", found);
  return result;
}

/// One poll from its parsed body to its answer.
class poll_call : public std::enable_shared_from_this<poll_call> {
public:
  poll_call(api_ptr api, responder reply, poll_request asked, std::shared_ptr<report_batch> results)
    : api_(std::move(api)), reply_(std::move(reply)), asked_(std::move(asked)), results_(std::move(results)) {}

  void start() {
    results_->apply([self = shared_from_this()](const std::optional<failure>& failed) {
      if (failed)
        return self->reply_(error_of(*failed));
      self->ask();
    });
  }

private:
  /// The results are in; now for the steps. Failures from here on must not hide the outcomes of the results.
  void ask() {
    if (api_->draining())
      return answer_without({errc::stopping, "the node is going down; use another one or try again"});
    ticket_ = api_->context.gate->enter(admission_kind::poll);
    if (!ticket_)
      return answer_without({errc::overloaded, "too many polls are waiting"});
    asked_.poll_id = api_->last_poll.fetch_add(1, std::memory_order_relaxed) + 1;
    asked_.done = completion<std::vector<leased_step>>{
      [self = shared_from_this()](expected<std::vector<leased_step>> steps) { self->answered(std::move(steps)); }};
    auto id = asked_.poll_id;
    auto waits = asked_.wait.count() > 0;
    api_->calls.poll(std::move(asked_));
    if (waits) // after the poll itself, so that the dispatcher knows it when it is cancelled
      reply_.on_disconnect([api = api_, id] { api->calls.cancel_poll(id); });
  }

  void answered(expected<std::vector<leased_step>> steps) {
    ticket_.reset();
    if (!steps)
      return answer_without(steps.error());
    auto shared = std::make_shared<std::vector<leased_step>>(std::move(*steps));
    auto compose = [self = shared_from_this(), shared] { return self->compose(*shared); };
    if (shared->empty())
      return reply_.later(std::move(compose));
    reply_.later(std::move(compose), [self = shared_from_this(), shared](bool written) {
      if (!written)
        self->give_back(*shared, 0);
    });
  }

  void answer_without(const failure& why) {
    if (results_->empty())
      return reply_(error_of(why));
    reply_.later([self = shared_from_this()] {
      std::vector<leased_step> none;
      return self->compose(none);
    });
  }

  /// Leaves in `steps` what the answer holds.
  http_response compose(std::vector<leased_step>& steps) const {
    json_writer out;
    out.begin_object().key("steps").begin_array();
    std::size_t written = 0;
    for (; written < steps.size() && out.size() < api_->context.max_worker_body_bytes; ++written)
      write_leased_step(out, steps[written], *api_->context.mint);
    out.end_array();
    if (written < steps.size()) {
      give_back(steps, written);
      steps.erase(steps.begin() + static_cast<std::ptrdiff_t>(written), steps.end());
    }
    if (!results_->empty())
      results_->write(out);
    return json_response(200, out.end_object().take());
  }

  void give_back(const std::vector<leased_step>& steps, std::size_t from) const {
    std::vector<lease_token> tokens;
    for (auto i = from; i < steps.size(); ++i)
      tokens.push_back(steps[i].held.token);
    if (!tokens.empty())
      api_->calls.return_leases(std::move(tokens));
  }

  api_ptr api_;
  responder reply_;
  poll_request asked_;
  std::shared_ptr<report_batch> results_;
  admission_ticket ticket_;
};

} // namespace

void poll_for_steps(const api_ptr& api, const http_request& request, const responder& reply) {
  auto parsed = parse_poll(request.body);
  if (auto* refused = std::get_if<http_response>(&parsed))
    return reply(std::move(*refused));
  auto& body = std::get<poll_body>(parsed);
  auto results = std::make_shared<report_batch>(api, body.results, body.poll.worker);
  if (results->empty() && api->refused_while_draining(reply))
    return;
  std::make_shared<poll_call>(api, reply, std::move(body.poll), std::move(results))->start();
}

} // namespace geartrain
