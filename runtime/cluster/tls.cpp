#include "runtime/cluster/tls.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <utility>
#include <vector>

namespace geartrain {

namespace {

using store_context_handle = std::unique_ptr<X509_STORE_CTX, openssl_free<X509_STORE_CTX_free>>;

// -- sockets that raise no SIGPIPE -------------------------------------------------

int write_quietly(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  int socket = -1;
  BIO_get_fd(bio, &socket);
  auto sent = static_cast<int>(::send(socket, data, static_cast<std::size_t>(size), MSG_NOSIGNAL));
  if (sent < 0 && BIO_sock_should_retry(sent) != 0)
    BIO_set_retry_write(bio);
  return sent;
}

/// OpenSSL's own way with sockets, but for the signal with which a write to a closed one would end the process.
BIO_METHOD* make_quiet_socket_method() {
  auto base = BIO_s_socket();
  auto method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK | BIO_TYPE_DESCRIPTOR, "quiet socket");
  if (method == nullptr)
    return nullptr;
  BIO_meth_set_write(method, write_quietly);
  BIO_meth_set_read(method, BIO_meth_get_read(base));
  BIO_meth_set_puts(method, BIO_meth_get_puts(base));
  BIO_meth_set_ctrl(method, BIO_meth_get_ctrl(base));
  BIO_meth_set_create(method, BIO_meth_get_create(base));
  BIO_meth_set_destroy(method, BIO_meth_get_destroy(base));
  return method;
}

BIO* make_quiet_socket(int socket) {
  static BIO_METHOD* const method = make_quiet_socket_method(); // never freed: connections may outlive statics
  auto bio = method != nullptr ? BIO_new(method) : nullptr;
  if (bio != nullptr)
    BIO_set_fd(bio, socket, BIO_NOCLOSE);
  return bio;
}

// -- what a context is made of -------------------------------------------------------

/// All certificates of a text, in order.
expected<std::vector<x509_handle>> read_certificates(const std::string& pem) {
  bio_handle bio{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
  std::vector<x509_handle> all;
  while (bio) {
    ERR_clear_error();
    x509_handle next{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)};
    if (!next)
      break;
    all.push_back(std::move(next));
  }
  bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (all.empty() || !at_end)
    return openssl_failure(errc::invalid, "can't read the certificates");
  ERR_clear_error();
  return all;
}

std::optional<failure> trust(SSL_CTX& context, const std::string& authority) {
  auto certificates = read_certificates(authority);
  if (!certificates)
    return failure{errc::invalid, "authority: " + certificates.error().message};
  for (auto& one : *certificates)
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(&context), one.get()) != 1)
      return openssl_failure(errc::invalid, "authority");
  return std::nullopt;
}

std::optional<failure> show(SSL_CTX& context, const pem_pair& own) {
  auto certificates = read_certificates(own.certificate);
  if (!certificates)
    return certificates.error();
  auto key = read_private_key(own.key);
  if (!key)
    return key.error();
  if (SSL_CTX_use_certificate(&context, certificates->front().get()) != 1)
    return openssl_failure(errc::invalid, "certificate");
  for (std::size_t i = 1; i < certificates->size(); ++i)
    if (SSL_CTX_add1_chain_cert(&context, (*certificates)[i].get()) != 1)
      return openssl_failure(errc::invalid, "certificate");
  if (SSL_CTX_use_PrivateKey(&context, key->get()) != 1 || SSL_CTX_check_private_key(&context) != 1)
    return openssl_failure(errc::invalid, "the certificate and the key don't belong together");
  return std::nullopt;
}

/// What a peer would find wrong with our certificate.
std::optional<failure> fault_in_own_certificate(SSL_CTX& context) {
  for (auto use : {"ssl_server", "ssl_client"}) {
    STACK_OF(X509)* chain = nullptr;
    SSL_CTX_get0_chain_certs(&context, &chain);
    store_context_handle check{X509_STORE_CTX_new()};
    if (!check ||
        X509_STORE_CTX_init(check.get(), SSL_CTX_get_cert_store(&context), SSL_CTX_get0_certificate(&context), chain) !=
          1 ||
        X509_STORE_CTX_set_default(check.get(), use) != 1)
      return openssl_failure(errc::unhandled, "can't check the certificate");
    if (X509_verify_cert(check.get()) != 1)
      return failure{errc::invalid, std::string{"other nodes would refuse the certificate: "} +
                                      X509_verify_cert_error_string(X509_STORE_CTX_get_error(check.get()))};
  }
  return std::nullopt;
}

} // namespace

expected<tls_context> make_tls_context(const pem_pair& own, const std::string& authority) {
  ERR_clear_error();
  tls_context context{SSL_CTX_new(TLS_method()), SSL_CTX_free};
  if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION) != 1)
    return openssl_failure(errc::unhandled, "can't use TLS");
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  // A link lives long: nothing is won by resuming one.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context.get(), 0);
  if (auto fault = trust(*context, authority))
    return *fault;
  if (auto fault = show(*context, own))
    return *fault;
  if (auto fault = fault_in_own_certificate(*context))
    return *fault;
  ERR_clear_error();
  return context;
}

// -- a connection ----------------------------------------------------------------------

expected<tls_session> tls_session::over(int socket, const tls_context& context, tls_role role) {
  ERR_clear_error();
  tls_session out{SSL_new(context.get())};
  auto bio = out.session_ ? make_quiet_socket(socket) : nullptr;
  if (bio == nullptr)
    return openssl_failure(errc::unhandled, "can't use TLS");
  SSL_set_bio(out.session_.get(), bio, bio);
  if (role == tls_role::server)
    SSL_set_accept_state(out.session_.get());
  else
    SSL_set_connect_state(out.session_.get());
  return out;
}

tls_outcome tls_session::outcome_of(int result) {
  switch (SSL_get_error(session_.get(), result)) {
    case SSL_ERROR_NONE:
      return tls_outcome::done;
    case SSL_ERROR_WANT_READ:
      return tls_outcome::wants_read;
    case SSL_ERROR_WANT_WRITE:
      return tls_outcome::wants_write;
    default:
      return tls_outcome::failed;
  }
}

tls_outcome tls_session::shake_hands() {
  ERR_clear_error();
  auto outcome = outcome_of(SSL_do_handshake(session_.get()));
  if (outcome != tls_outcome::failed)
    return outcome;
  auto verdict = SSL_get_verify_result(session_.get());
  if (verdict != X509_V_OK)
    why_failed_ = std::string{"the peer's certificate is refused: "} + X509_verify_cert_error_string(verdict);
  else if (ERR_peek_last_error() == 0)
    why_failed_ = "the peer closed the connection";
  else
    why_failed_ = openssl_failure(errc::unavailable, "TLS").message;
  return outcome;
}

tls_outcome tls_session::read(void* data, std::size_t size, std::size_t& count) {
  ERR_clear_error();
  count = 0;
  return outcome_of(SSL_read_ex(session_.get(), data, size, &count));
}

tls_outcome tls_session::write(const void* data, std::size_t size, std::size_t& count) {
  ERR_clear_error();
  count = 0;
  return outcome_of(SSL_write_ex(session_.get(), data, size, &count));
}

std::size_t tls_session::pending() const {
  return static_cast<std::size_t>(SSL_pending(session_.get()));
}

socket_handle::~socket_handle() {
  if (socket_ >= 0)
    ::close(socket_);
}

} // namespace geartrain
