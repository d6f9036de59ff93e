#pragma once

#include "db/checkup.hpp"
#include "runtime/cli/http_client.hpp"
#include "runtime/cli/style.hpp"

#include <string>
#include <vector>

// What `geartrain doctor` makes of what it found. Pure functions.

namespace geartrain {

enum class verdict { ok, warn, fail };

struct finding {
  std::string check;
  verdict is = verdict::ok;
  std::string found;
  std::string advice; ///< what to do; empty if nothing
};

/// The checks of a database that answered.
std::vector<finding> judge_database(const checkup_report& report);

/// One that did not answer, or refused to tell.
finding judge_no_database(const failure& why);

/// The answer of GET /health/ready, or why there was none.
finding judge_node(const std::string& url, const expected<http_answer>& answer);

bool all_well(const std::vector<finding>& findings); ///< warnings are well enough

std::string render_findings(const std::vector<finding>& findings, const style& paint);
std::string findings_json(const std::vector<finding>& findings);

} // namespace geartrain
