#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace geartrain::testing {

struct http_answer {
  int status = 0;                             ///< 0: the server closed the connection without an answer
  std::map<std::string, std::string> headers; ///< names in lower case
  std::string body;

  nlohmann::json json() const { return nlohmann::json::parse(body); }

  /// error.code of an error body; empty if there is none.
  std::string error_code() const;
  std::string header(const std::string& name) const;
};

/// A TCP connection to a server on loopback that sends exactly the bytes it is given. Nothing waits longer than ten
/// seconds.
class raw_client {
public:
  explicit raw_client(std::uint16_t port);
  ~raw_client();
  raw_client(const raw_client&) = delete;
  raw_client& operator=(const raw_client&) = delete;

  /// False if the server does not take any more.
  bool send(std::string_view bytes);

  /// The next answer; an interim "100 Continue" is an answer of its own. `without_body`: the answer to a HEAD.
  http_answer receive(bool without_body = false);

  /// True once the server has closed its side.
  bool wait_for_end();

  void finish_sending();
  void close();
  void reset(); ///< closes so that the server gets a connection reset

private:
  bool read_more();

  int socket_ = -1;
  std::string buffer_;
};

/// "METHOD path HTTP/1.1" with a Host header, the given header lines ("name: value\r\n"...) and the body's length.
std::string format_request(std::string_view method, std::string_view path, std::string_view header_lines = {},
                           std::string_view body = {});

/// One request on a connection of its own; a body goes out as JSON.
http_answer call(std::uint16_t port, std::string_view method, std::string_view path, std::string_view body = {},
                 std::string_view header_lines = {});

} // namespace geartrain::testing
