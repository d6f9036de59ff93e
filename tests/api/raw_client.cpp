#include "tests/api/raw_client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <stdexcept>

namespace geartrain::testing {

namespace {

constexpr int patience_seconds = 10;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
  return text;
}

http_answer parse_head(const std::string& head) {
  http_answer answer;
  answer.status = std::stoi(head.substr(head.find(' ') + 1));
  for (auto at = head.find("\r\n"); at != std::string::npos && at + 2 < head.size();) {
    auto end = head.find("\r\n", at + 2);
    auto line = head.substr(at + 2, end - at - 2);
    if (auto colon = line.find(": "); colon != std::string::npos)
      answer.headers[lower(line.substr(0, colon))] = line.substr(colon + 2);
    at = end;
  }
  return answer;
}

} // namespace

std::string http_answer::error_code() const {
  auto parsed = nlohmann::json::parse(body, nullptr, false);
  return parsed.is_object() && parsed.contains("error") ? parsed["error"].value("code", "") : std::string{};
}

std::string http_answer::header(const std::string& name) const {
  auto found = headers.find(name);
  return found == headers.end() ? std::string{} : found->second;
}

raw_client::raw_client(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  timeval patience{patience_seconds, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("cannot connect");
}

raw_client::~raw_client() {
  close();
}

bool raw_client::send(std::string_view bytes) {
  while (!bytes.empty()) {
    auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0)
      return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

http_answer raw_client::receive(bool without_body) {
  auto end = buffer_.find("\r\n\r\n");
  for (; end == std::string::npos; end = buffer_.find("\r\n\r\n"))
    if (!read_more())
      return {};
  auto answer = parse_head(buffer_.substr(0, end + 2));
  buffer_.erase(0, end + 4);
  auto length = answer.header("content-length").empty() ? 0 : std::stoul(answer.header("content-length"));
  if (without_body)
    return answer;
  while (buffer_.size() < length)
    if (!read_more())
      return {};
  answer.body = buffer_.substr(0, length);
  buffer_.erase(0, length);
  return answer;
}

bool raw_client::wait_for_end() {
  while (read_more()) {
  }
  std::array<char, 1> byte{};
  return ::recv(socket_, byte.data(), byte.size(), 0) == 0;
}

void raw_client::finish_sending() {
  ::shutdown(socket_, SHUT_WR);
}

void raw_client::close() {
  if (socket_ >= 0)
    ::close(socket_);
  socket_ = -1;
}

void raw_client::reset() {
  linger hard{1, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  close();
}

bool raw_client::read_more() {
  std::array<char, 65536> chunk;
  auto size = ::recv(socket_, chunk.data(), chunk.size(), 0);
  if (size <= 0)
    return false;
  buffer_.append(chunk.data(), static_cast<std::size_t>(size));
  return true;
}

std::string format_request(std::string_view method, std::string_view path, std::string_view header_lines,
                           std::string_view body) {
  std::string text;
  text.append(method).append(" ").append(path).append(" HTTP/1.1\r\nHost: localhost\r\n").append(header_lines);
  if (!body.empty())
    text.append("Content-Length: " + std::to_string(body.size()) + "\r\n");
  return text.append("\r\n").append(body);
}

http_answer call(std::uint16_t port, std::string_view method, std::string_view path, std::string_view body,
                 std::string_view header_lines) {
  raw_client client{port};
  std::string lines{header_lines};
  if (!body.empty() && lower(lines).find("content-type:") == std::string::npos)
    lines += "Content-Type: application/json\r\n";
  client.send(format_request(method, path, lines, body));
  return client.receive(method == "HEAD");
}

} // namespace geartrain::testing
