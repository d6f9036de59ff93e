#include "db/operations.hpp"

// Templates, and the operations without data.

namespace geartrain::db_op {

std::size_t put_template::weight(const unit& u) {
  return 256 + u.document.size();
}

calls put_template::encode(const units& batch) {
  auto& u = *batch.front();
  parameters values;
  values.add(u.namespace_name).add(u.name).add(u.version).add(u.digest).add(u.document);
  calls all;
  all.push_back({statement_id::lock_templates, {}});
  all.push_back({statement_id::put_template, std::move(values)});
  return all;
}

outcomes<put_template> put_template::decode(const units&, const row_sets& rows) {
  put_template_reply reply;
  reply.id = rows[1].int8(0, 0);
  reply.activation = rows[1].int8(0, 1);
  reply.new_version = rows[1].boolean(0, 2);
  reply.changed = rows[1].boolean(0, 3);
  outcomes<put_template> all;
  all.emplace_back(reply);
  return all;
}

calls fetch_templates::encode(const units& batch) {
  auto& u = *batch.front();
  calls all;
  if (u.id)
    all.push_back({statement_id::template_by_id, parameters{}.add(*u.id)});
  else
    all.push_back({statement_id::templates_since, parameters{}.add(u.since)});
  return all;
}

outcomes<fetch_templates> fetch_templates::decode(const units&, const row_sets& rows) {
  fetch_templates_reply reply;
  for (int i = 0; i < rows[0].size(); ++i)
    reply.rows.push_back({rows[0].int8(i, 0), rows[0].int8(i, 1), std::string{rows[0].text(i, 2)}});
  outcomes<fetch_templates> all;
  all.emplace_back(std::move(reply));
  return all;
}

calls ping::encode(const units&) {
  calls all;
  all.push_back({statement_id::ping, {}});
  return all;
}

outcomes<ping> ping::decode(const units& batch, const row_sets&) {
  return outcomes<ping>(batch.size(), unit_done{});
}

calls housekeeping::encode(const units&) {
  calls all;
  all.push_back({statement_id::ensure_partitions, {}});
  all.push_back({statement_id::forget_claims, {}});
  return all;
}

outcomes<housekeeping> housekeeping::decode(const units& batch, const row_sets&) {
  return outcomes<housekeeping>(batch.size(), unit_done{});
}

} // namespace geartrain::db_op
