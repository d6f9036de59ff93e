#include "runtime/bench/python_workers.hpp"

#include "runtime/bench/workload.hpp"

#include <nlohmann/json.hpp>

namespace geartrain::bench {

namespace fs = std::filesystem;

namespace {

constexpr milliseconds python_patience{30000};

constexpr const char* script = R"(
import json, os, sys

sdk, url, namespace, slots, answers = sys.argv[1:]
sys.path.insert(0, sdk)
from geartrain import Registry, Worker

def answering(result):
    return lambda context: result

registry = Registry()
for name, result in json.loads(answers).items():
    registry.register(name, answering(result))
worker = Worker(url, [namespace], registry, concurrency=int(slots))
print("ready", os.getpid(), flush=True)
sys.exit(0 if worker.run() else 1)
)";

} // namespace

std::optional<fs::path> find_python_sdk() {
  std::error_code failed;
  auto folder = fs::read_symlink("/proc/self/exe", failed).parent_path();
  for (; folder.has_relative_path(); folder = folder.parent_path())
    if (fs::is_regular_file(folder / "sdk/python/geartrain/__init__.py", failed))
      return folder / "sdk/python";
  return std::nullopt;
}

expected<helper_process> start_python_worker(const fs::path& sdk, const std::string& url, std::size_t slots,
                                             const fs::path& scratch) {
  auto answers = nlohmann::json::object();
  for (const auto& each : handler_answers())
    answers[each.callable] = nlohmann::json::parse(each.result);
  return helper_process::start({"/usr/bin/env", "python3", "-B", "-c", script, sdk.string(), url,
                                std::string{namespace_name}, std::to_string(slots), answers.dump()},
                               scratch, python_patience);
}

} // namespace geartrain::bench
