#include "actors/task_routes.hpp"

#include <map>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

namespace geartrain {

namespace {

using token_places = std::vector<std::size_t>; // where the tokens of one owner stand in the whole request

/// Puts the answers of several owners together again.
class heartbeat_gather : public std::enable_shared_from_this<heartbeat_gather> {
public:
  explicit heartbeat_gather(const heartbeat_request& whole)
    : answers_(whole.tokens.size()), open_(whole.tokens.size()), done_(whole.done) {}

  completion<std::vector<heartbeat_answer>> part(token_places places) {
    return completion<std::vector<heartbeat_answer>>{
      [self = shared_from_this(), places = std::move(places)](expected<std::vector<heartbeat_answer>> answer) {
        self->answered(places, answer);
      }};
  }

private:
  void answered(const token_places& places, const expected<std::vector<heartbeat_answer>>& answer) {
    {
      std::lock_guard guard{mutex_};
      open_ -= places.size();
      if (!answer)
        failed_ = answer.error();
      else
        for (std::size_t i = 0; i < places.size() && i < answer->size(); ++i)
          answers_[places[i]] = (*answer)[i];
      if (open_ > 0)
        return;
    }
    if (failed_)
      done_(*failed_);
    else
      done_(std::move(answers_));
  }

  std::mutex mutex_;
  std::vector<heartbeat_answer> answers_;
  std::size_t open_;
  std::optional<failure> failed_;
  completion<std::vector<heartbeat_answer>> done_;
};

/// The places of the tokens by owner; null: this node.
std::map<peer_actor, token_places> by_owner(const directory& actors, const std::vector<lease_token>& tokens) {
  std::map<peer_actor, token_places> places;
  for (std::size_t i = 0; i < tokens.size(); ++i)
    places[actors.cluster().owner_of(task_of(tokens[i].step))].push_back(i);
  return places;
}

std::vector<lease_token> pick(const std::vector<lease_token>& tokens, const token_places& places) {
  std::vector<lease_token> some;
  some.reserve(places.size());
  for (auto place : places)
    some.push_back(tokens[place]);
  return some;
}

template <class Message>
void to_dispatcher(const directory& actors, const peer_actor& owner, Message message) {
  if (owner)
    caf::anon_send(owner, std::move(message));
  else
    caf::anon_send(actors.dispatcher(), std::move(message));
}

} // namespace

void send_reports(const directory& actors, std::vector<report_message> reports) {
  if (!actors.cluster().has_peers())
    return send_reports_here(actors, std::move(reports));
  std::map<peer_actor, submit_reports> by_peer;
  std::vector<report_message> here;
  for (auto& one : reports) {
    if (auto owner = actors.cluster().owner_of(task_of(one.report.token.step)))
      by_peer[owner].reports.push_back(std::move(one));
    else
      here.push_back(std::move(one));
  }
  for (auto& [owner, batch] : by_peer)
    caf::anon_send(owner, std::move(batch));
  send_reports_here(actors, std::move(here));
}

void send_reports_here(const directory& actors, std::vector<report_message> reports) {
  std::unordered_map<std::size_t, submit_reports> by_shard;
  for (auto& one : reports)
    by_shard[actors.shard_of(task_of(one.report.token.step))].reports.push_back(std::move(one));
  for (auto& [shard, batch] : by_shard)
    caf::anon_send(actors.processor(shard), std::move(batch));
}

void send_heartbeat(const directory& actors, heartbeat_request request) {
  if (!actors.cluster().has_peers() || request.tokens.empty())
    return caf::anon_send(actors.dispatcher(), std::move(request));
  auto gather = std::make_shared<heartbeat_gather>(request);
  for (auto& [owner, places] : by_owner(actors, request.tokens)) {
    heartbeat_request part{request.worker, pick(request.tokens, places), gather->part(places)};
    to_dispatcher(actors, owner, std::move(part));
  }
}

void send_returned(const directory& actors, std::vector<lease_token> tokens) {
  if (!actors.cluster().has_peers())
    return caf::anon_send(actors.dispatcher(), leases_returned{std::move(tokens)});
  for (auto& [owner, places] : by_owner(actors, tokens))
    to_dispatcher(actors, owner, leases_returned{pick(tokens, places)});
}

} // namespace geartrain
