#include "runtime/bench/bench_node.hpp"

#include "runtime/bench/workload.hpp"
#include "runtime/local_worker.hpp"
#include "runtime/logging.hpp"
#include "runtime/node.hpp"
#include "runtime/stop_signals.hpp"

#include <unistd.h>

#include <csignal>
#include <map>
#include <memory>
#include <ostream>

namespace geartrain::bench {

namespace {

std::map<std::string, handler_function> make_handlers() {
  std::map<std::string, handler_function> all;
  for (const auto& answer : handler_answers())
    all[answer.callable] = [&answer](const handler_context&) -> handler_result {
      return handler_success{answer.result};
    };
  return all;
}

} // namespace

expected<bool> run_bench_node(std::ostream& out, const config& settings, const node_handlers& handlers) {
  stop_signals signals;
  std::signal(SIGPIPE, SIG_IGN);
  start_logging(settings.log);
  auto started = node::start(settings, [&signals](const std::string& why) { signals.request(why); });
  if (!started)
    return started.error();
  auto& running = **started;
  std::unique_ptr<local_worker> worker;
  if (handlers.threads > 0) {
    local_worker::options options;
    options.namespaces = {std::string{namespace_name}};
    options.threads = handlers.threads;
    options.prefetch = handlers.prefetch;
    worker = std::make_unique<local_worker>(running.shared(), options, make_handlers());
  }
  out << "ready " << getpid() << ' ' << running.url() << std::endl;
  auto broken = signals.wait();
  worker.reset();
  running.stop(settings.node.drain_timeout);
  if (broken)
    return failure{errc::unhandled, *broken};
  return true;
}

} // namespace geartrain::bench
