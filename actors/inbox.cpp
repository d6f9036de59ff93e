#include "actors/inbox.hpp"

#include "messages/actor_base.hpp"

#include <nlohmann/json.hpp>

#include <unordered_set>

namespace geartrain {

namespace {

constexpr std::uint32_t page_size = 200;

/// One creation of the page is settled, one way or another; private.
struct row_settled {
  uuid id;
};

/// Time to look without being told; private.
struct look_anyway {};

} // namespace

} // namespace geartrain

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::row_settled)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::look_anyway)

namespace geartrain {

namespace {

using inbox_interface = inbox_actor::extend<caf::reacts_to<row_settled>, caf::reacts_to<look_anyway>>;

class inbox : public actor_base<inbox_interface::base> {
public:
  inbox(caf::actor_config& config, engine_ptr shared) : actor_base(config), engine_(std::move(shared)) {}

  const char* name() const override { return "inbox"; }

protected:
  behavior_type make_behavior() override {
    delayed_send(this, engine_->settings.inbox_every, look_anyway{});
    return {
      [this](tick) { look(); },
      [this](look_anyway) {
        look();
        delayed_send(this, engine_->settings.inbox_every, look_anyway{});
      },
      [this](const row_settled& row) { settled(row.id); },
      [this](const drain_request& request) { drain(request); },
    };
  }

private:
  void look() {
    if (reading_ || !open_.empty() || draining_) {
      look_again_ = true;
      return;
    }
    auto db = engine_->actors->db();
    if (!db)
      return;
    reading_ = true;
    look_again_ = false;
    request(db, caf::infinite, read_inbox_unit{page_size})
      .then([this](const read_inbox_reply& reply) { take_over(reply.rows); },
            [this](caf::error&) { reading_ = false; });
  }

  void take_over(const std::vector<inbox_row>& rows) {
    reading_ = false;
    look_again_ |= rows.size() == page_size;
    for (auto& row : rows)
      open_.insert(row.id);
    for (auto& row : rows)
      create(row);
    if (rows.empty())
      answer_drain();
  }

  void create(const inbox_row& row) {
    auto read = engine_->read_inbox_row(row);
    if (!read)
      return refuse(row, read.error().message);
    read->inbox_request = row.id;
    auto self = caf::actor_cast<inbox_actor_handle>(this);
    auto shared = engine_;
    completion<create_task_result> answered{
      [self, shared, row](expected<create_task_result> answer) { conclude(self, *shared, row, std::move(answer)); }};
    auto shard = static_cast<std::size_t>(row.id.bytes[15]) % engine_->actors->shards();
    send(engine_->actors->intake(shard), create_task_request{std::move(*read), std::move(answered)});
  }

  using inbox_actor_handle = caf::typed_actor<caf::reacts_to<row_settled>>;

  /// Runs wherever the intake answers.
  static void conclude(const inbox_actor_handle& self, const engine& shared, const inbox_row& row,
                       expected<create_task_result> answer) {
    if (!answer) {
      auto refused = answer.error().code == errc::not_found || answer.error().code == errc::invalid;
      if (refused)
        return settle(self, shared, row, answer.error().message);
    } else if (auto refused = std::get_if<context_refused>(&*answer)) {
      std::string why = "the context breaks the template's input_schema";
      for (auto& problem : refused->found)
        why += "; " + problem.path + ": " + problem.message;
      return settle(self, shared, row, why);
    } else if (auto duplicate = std::get_if<duplicate_task>(&*answer); duplicate && !duplicate->existing.is_nil()) {
      spdlog::info("task_uuid={} an inbox request asked for this task again", to_string(duplicate->existing));
      return settle(self, shared, row, std::nullopt);
    }
    caf::anon_send(self, row_settled{row.id}); // created, taken by another node, or to be tried again
  }

  void refuse(const inbox_row& row, const std::string& why) {
    settle(caf::actor_cast<inbox_actor_handle>(this), *engine_, row, why);
  }

  /// Removes the row; with `why`, a dead letter takes its place.
  static void settle(const inbox_actor_handle& self, const engine& shared, const inbox_row& row,
                     const std::optional<std::string>& why) {
    settle_inbox_unit unit;
    unit.id = row.id;
    if (why)
      unit.refused = letter_of(shared, row, *why);
    if (auto db = shared.actors->db())
      caf::anon_send(db, std::move(unit));
    caf::anon_send(self, row_settled{row.id});
  }

  static dead_letter letter_of(const engine& shared, const inbox_row& row, const std::string& why) {
    auto now = shared.now();
    dead_letter letter;
    letter.id =
      make_uuid_v7(std::chrono::duration_cast<milliseconds>(now.time_since_epoch()), shared.random(), shared.random());
    letter.reason = dead_letter_reason::invalid_request;
    letter.at = now;
    nlohmann::json snapshot{{"request_uuid", to_string(row.id)},
                            {"namespace", row.namespace_name},
                            {"task_name", row.name},
                            {"version", row.version ? nlohmann::json{*row.version} : nlohmann::json{}}};
    auto text = snapshot.dump();
    text.back() = ',';
    letter.task_snapshot = json_text{text + "\"context\":" + std::string{row.context.view_or("null")} +
                                     ",\"options\":" + std::string{row.options.view_or("null")} + "}"};
    letter.metadata = json_text{nlohmann::json{{"message", why}}.dump()};
    return letter;
  }

  void settled(const uuid& id) {
    open_.erase(id);
    if (!open_.empty())
      return;
    answer_drain();
    if (std::exchange(look_again_, false))
      look();
  }

  void drain(const drain_request& asked) {
    draining_ = true;
    drained_.push_back(asked.done);
    answer_drain();
  }

  void answer_drain() {
    if (!draining_ || !open_.empty())
      return;
    for (auto& waiter : std::exchange(drained_, {}))
      waiter(std::uint32_t{0});
  }

  engine_ptr engine_;
  bool reading_ = false;
  bool look_again_ = false;
  bool draining_ = false;
  std::unordered_set<uuid> open_; ///< rows of the page whose creation is under way
  std::vector<completion<std::uint32_t>> drained_;
};

} // namespace

inbox_actor spawn_inbox(caf::actor_system& system, engine_ptr engine) {
  return system.spawn<inbox>(std::move(engine));
}

} // namespace geartrain
