#include "actors/template_registry.hpp"

#include "actors/template_loading.hpp"
#include "messages/actor_base.hpp"
#include "workflow/templates/template_parser.hpp"

namespace geartrain {

namespace {

// How often registrations of other nodes are looked for; an unknown template is looked for at once by the intake.
constexpr std::chrono::seconds refresh_interval{5};

class template_registry : public actor_base<template_registry_actor::base> {
public:
  template_registry(caf::actor_config& config, engine_ptr shared) : actor_base(config), engine_(std::move(shared)) {}

  const char* name() const override { return "template_registry"; }

protected:
  behavior_type make_behavior() override {
    delayed_send(this, refresh_interval, tick{});
    return {
      [this](const register_template_request& request) { register_template(request); },
      [this](refresh_templates) { refresh(); },
      [this](tick) {
        refresh();
        delayed_send(this, refresh_interval, tick{});
      },
    };
  }

private:
  void register_template(const register_template_request& asked) {
    auto parsed = parse_template(asked.text, asked.is_json ? template_format::json : template_format::yaml,
                                 engine_->settings.environment);
    if (auto* found = std::get_if<problems>(&parsed))
      return asked.done(register_template_result{template_refused{std::move(*found)}});
    auto definition = std::make_shared<task_template>(std::move(std::get<task_template>(parsed)));
    auto db = engine_->actors->db();
    if (!db)
      return asked.done(failure{errc::stopping, "the node is stopping"});
    put_template_unit unit{definition->namespace_name, definition->name, definition->version, definition->digest,
                           definition->document};
    request(db, caf::infinite, std::move(unit))
      .then(
        [this, definition, answer = asked.done](const put_template_reply& stored) {
          definition->id = stored.id;
          template_snapshot revision{std::move(*definition)};
          engine_->catalog->put(revision, stored.activation);
          answer(register_template_result{template_registered{std::move(revision), stored.new_version}});
          for (auto& peer : engine_->actors->cluster().peers())
            send(peer, nudge_peer{false, true, false, {}});
        },
        [answer = asked.done](caf::error& e) { answer(to_failure(e)); });
  }

  void refresh() {
    auto db = engine_->actors->db();
    if (!db || refreshing_)
      return;
    refreshing_ = true;
    request(db, caf::infinite, fetch_templates_unit{engine_->catalog->last_activation(), std::nullopt})
      .then(
        [this](const fetch_templates_reply& stored) {
          refreshing_ = false;
          load_new_templates(*engine_->catalog, stored, engine_->settings.environment);
        },
        [this](caf::error&) { refreshing_ = false; });
  }

  engine_ptr engine_;
  bool refreshing_ = false;
};

} // namespace

template_registry_actor spawn_template_registry(caf::actor_system& system, engine_ptr engine) {
  return system.spawn<template_registry>(std::move(engine));
}

} // namespace geartrain
