#include "db/batch.hpp"

#include <string_view>

namespace geartrain {

sql_verdict judge(const sql_error& error) {
  std::string_view state = error.state;
  if (state == "40001" || state == "40P01")
    return sql_verdict::again;
  if (state == "26000" || (state == "0A000" && error.message.find("cached plan") != std::string::npos))
    return sql_verdict::new_session;
  auto family = state.substr(0, 2);
  if (family == "53" || family == "57" || family == "58" || state == "25006" || state == "55P03")
    return sql_verdict::not_now;
  return sql_verdict::refused;
}

} // namespace geartrain
