#pragma once

#include "messages/errors.hpp"
#include "messages/probe.hpp"

#include <caf/all.hpp>
#include <spdlog/spdlog.h>

namespace geartrain {

/// Base of every actor: telemetry per message and safe defaults in place of CAF's.
///
/// - An exception ends the actor (CAF leaves no choice); it is logged, and the supervisor restarts the actor.
/// - An unhandled error message is logged instead of ending the receiver.
/// - An unexpected message is answered with an error and logged instead of being printed.
///
/// resume() handles one message per inner call, so that each can be timed and urgent messages go strictly first.
template <class Base>
class actor_base : public Base {
public:
  template <class... Ts>
  explicit actor_base(caf::actor_config& config, Ts&&... arguments) : Base(config, std::forward<Ts>(arguments)...) {
    this->set_exception_handler([this](caf::scheduled_actor*, std::exception_ptr& thrown) -> caf::error {
      try {
        std::rethrow_exception(thrown);
      } catch (const std::exception& e) {
        spdlog::error("actor={} died of an exception: {}", this->name(), e.what());
        return make_error(errc::unhandled, e.what());
      } catch (...) {
        spdlog::error("actor={} died of an unknown exception", this->name());
        return make_error(errc::unhandled);
      }
    });
    this->set_error_handler([this](caf::scheduled_actor*, caf::error& e) {
      spdlog::warn("actor={} got an unhandled error: {}", this->name(), to_failure(e).message);
    });
    this->set_default_handler([this](caf::scheduled_actor*, caf::message_view&) -> caf::result<caf::message> {
      spdlog::error("actor={} got a message that it has no handler for", this->name());
      return caf::sec::unexpected_message;
    });
  }

  void launch(caf::execution_unit* unit, bool lazy, bool hide) override {
    probe_ = probe_set::instance().add(this->name());
    Base::launch(unit, lazy, hide);
  }

  void enqueue(caf::mailbox_element_ptr element, caf::execution_unit* unit) override {
    if (probe_) {
      probe_->enqueued.fetch_add(1, std::memory_order_relaxed);
      probe_->depth.fetch_add(1, std::memory_order_relaxed);
    }
    Base::enqueue(std::move(element), unit);
  }

  caf::resumable::resume_result resume(caf::execution_unit* unit, std::size_t max_throughput) override {
    auto probe = probe_; // after awaiting_message another thread may run, or even destroy, this actor
    for (std::size_t i = 1;; ++i) {
      auto begin = std::chrono::steady_clock::now();
      auto result = Base::resume(unit, 1);
      auto spent = std::chrono::steady_clock::now() - begin;
      probe->observe(spent - std::chrono::nanoseconds{probe->waited_ns.exchange(0, std::memory_order_relaxed)});
      if (result == caf::resumable::awaiting_message)
        probe->depth.store(0, std::memory_order_relaxed);
      if (result != caf::resumable::resume_later)
        return result;
      probe->depth.store(static_cast<std::int64_t>(this->mailbox().size()), std::memory_order_relaxed);
      if (i >= max_throughput)
        return result;
    }
  }

protected:
  /// For an actor with an event loop of its own: this much of the current message's handling was sleep, not work.
  void count_waiting(std::chrono::nanoseconds slept) {
    probe_->waited_ns.fetch_add(slept.count(), std::memory_order_relaxed);
  }

private:
  std::shared_ptr<actor_probe> probe_;
};

} // namespace geartrain
