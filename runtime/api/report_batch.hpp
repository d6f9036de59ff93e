#pragma once

#include "runtime/api/api_state.hpp"
#include "runtime/api/json_writer.hpp"
#include "runtime/api/object_reader.hpp"
#include "runtime/api/report_item.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace geartrain {

/// The results of one worker call on their way through the engine.
class report_batch : public std::enable_shared_from_this<report_batch> {
public:
  /// Reads the items; they stay in the order given.
  report_batch(const api_ptr& api, const std::vector<json_view>& items, std::string_view worker);

  bool empty() const { return items_.empty(); }

  /// Sends what can be sent. `applied` runs once, on any thread: with nothing when every item has its outcome, or with the
  /// first failure if the outcome of any of them is unknown. Refused for lack of credit: a failure too.
  void apply(std::function<void(std::optional<failure>)> applied);

  /// "results":[…] with the outcomes; after `applied` only.
  void write(json_writer& out) const;

private:
  api_ptr api_;
  std::vector<report_item> items_;
  std::vector<report_answer> answers_; ///< of the items that are reports, in their order
};

} // namespace geartrain
