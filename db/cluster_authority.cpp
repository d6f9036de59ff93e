#include "db/cluster_authority.hpp"

#include "db/blocking_session.hpp"
#include "db/statements.hpp"

#include <optional>

namespace geartrain {

namespace {

expected<std::optional<authority_pem>> read_authority(blocking_session& session) {
  auto rows = session.run(blocking_sql::read_authority);
  if (!rows)
    return rows.error();
  auto certificate = (*rows)->optional_text(0, 0);
  auto key = (*rows)->optional_text(0, 1);
  if (certificate.has_value() != key.has_value())
    return failure{errc::storage, "the database holds half of a certificate authority: remove authority_certificate "
                                  "and authority_key from geartrain.cluster_settings"};
  if (!certificate)
    return std::optional<authority_pem>{};
  return std::optional{authority_pem{std::move(*certificate), std::move(*key)}};
}

} // namespace

expected<authority_pem> load_or_store_authority(const std::string& dsn,
                                                const std::function<expected<authority_pem>()>& make) {
  auto session = blocking_session::open(dsn);
  if (!session)
    return session.error();
  auto found = read_authority(**session);
  if (!found)
    return found.error();
  if (*found)
    return std::move(**found);
  auto made = make();
  if (!made)
    return made.error();
  auto stored = (*session)->run(blocking_sql::store_authority, parameters{}.add(made->certificate).add(made->key));
  if (!stored)
    return stored.error();
  found = read_authority(**session); // another node may have been first
  if (!found)
    return found.error();
  if (!*found)
    return failure{errc::storage, "the certificate authority was removed while it was being stored"};
  return std::move(**found);
}

} // namespace geartrain
