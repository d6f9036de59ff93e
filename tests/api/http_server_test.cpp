#include "runtime/http/http_server.hpp"
#include "tests/api/raw_client.hpp"

#include <doctest/doctest.h>

#include <future>
#include <stdexcept>

using namespace geartrain;
using namespace geartrain::testing;

namespace {

http_response text(std::string body) {
  http_response response;
  response.body = std::move(body);
  return response;
}

/// A server with a few routes; `configure` may change its bounds.
struct fixture {
  explicit fixture(http_config config = {}) {
    config.port = 0;
    routes.add("GET", "/hello", [](const http_request&, const responder& reply) { reply(text("\"hello\"")); });
    routes.add("POST", "/echo", [](http_request q, const responder& reply) { reply(text(std::move(q.body))); },
               {1000, {"application/json", "text/plain"}});
    routes.add("GET", "/items/{id}/parts/{part}", [](const http_request& q, const responder& reply) {
      reply(text(std::string{q.param("id")} + "|" + std::string{q.param("part")} + "|" +
                 std::string{q.query_value("q").value_or("none")}));
    });
    routes.add("GET", "/wait", [this](const http_request&, const responder& reply) { waiting.set_value(reply); });
    routes.add("GET", "/broken", [](const http_request&, const responder&) { throw std::runtime_error("oops"); });
    routes.add("GET", "/silent", [](const http_request&, const responder&) {});
    metrics = routes.metrics();
    auto started = http_server::start(config, std::move(routes));
    REQUIRE(started);
    server = std::move(*started);
    port = server->port();
  }

  responder next_waiting() {
    auto pending = waiting.get_future();
    REQUIRE(pending.wait_for(std::chrono::seconds{10}) == std::future_status::ready);
    return pending.get();
  }

  router routes;
  std::promise<responder> waiting;
  std::shared_ptr<http_metrics> metrics;
  std::unique_ptr<http_server> server;
  std::uint16_t port = 0;
};

} // namespace

TEST_CASE("a connection serves one request after another") {
  fixture f;
  raw_client client{f.port};
  for (int i = 0; i < 3; ++i) {
    client.send(format_request("GET", "/hello"));
    auto answer = client.receive();
    CHECK(answer.status == 200);
    CHECK(answer.body == "\"hello\"");
    CHECK(answer.header("content-type") == "application/json");
    CHECK(!answer.header("date").empty());
  }
}

TEST_CASE("pipelined requests are answered in order, also when the first is answered last") {
  fixture f;
  raw_client client{f.port};
  client.send(format_request("GET", "/wait") + format_request("POST", "/echo", "Content-Type: text/plain\r\n", "two") +
              format_request("GET", "/items/3/parts/x"));
  f.next_waiting()(text("one"));
  CHECK(client.receive().body == "one");
  CHECK(client.receive().body == "two");
  CHECK(client.receive().body == "3|x|none");
}

TEST_CASE("a client that has sent all it will is still answered, pipelined requests included") {
  fixture f;
  raw_client client{f.port};
  client.send(format_request("GET", "/hello") + format_request("GET", "/items/1/parts/2"));
  client.finish_sending();
  CHECK(client.receive().body == "\"hello\"");
  CHECK(client.receive().body == "1|2|none");
  CHECK(client.wait_for_end());
}

TEST_CASE("path and query are decoded") {
  fixture f;
  CHECK(call(f.port, "GET", "/items/a%2Fb/parts/%C3%A4?q=1+2%26").body == "a/b|\xc3\xa4|1 2&");
  CHECK(call(f.port, "GET", "/items/a/parts/b?q=1&q=2&r").body == "a|b|2");
  CHECK(call(f.port, "GET", "http://localhost/items/a/parts/b?q=http").body == "a|b|http");
}

TEST_CASE("refusals name what is wrong") {
  fixture f;
  struct row {
    const char* method;
    const char* path;
    const char* headers;
    std::string body;
    int status;
    const char* code;
  };
  const row rows[] = {
    {"GET", "/nothing", "", "", 404, "NOT_FOUND"},
    {"GET", "/hello/", "", "", 404, "NOT_FOUND"},
    {"GET", "/items//parts/1", "", "", 404, "NOT_FOUND"},
    {"POST", "/hello", "", "", 405, "METHOD_NOT_ALLOWED"},
    {"DELETE", "/echo", "", "", 405, "METHOD_NOT_ALLOWED"},
    {"POST", "/echo", "Content-Type: text/html\r\n", "x", 415, "UNSUPPORTED_MEDIA_TYPE"},
    {"POST", "/echo", "", "x", 415, "UNSUPPORTED_MEDIA_TYPE"},
    {"POST", "/echo", "Content-Type: text/plain\r\nContent-Encoding: gzip\r\n", "x", 415, "UNSUPPORTED_MEDIA_TYPE"},
    {"POST", "/echo", "Content-Type: text/plain\r\n", std::string(1001, 'x'), 413, "PAYLOAD_TOO_LARGE"},
    {"GET", "/hello?q=%zz", "", "", 400, "BAD_REQUEST"},
    {"GET", "/hello%2", "", "", 400, "BAD_REQUEST"},
    {"GET", "hello", "", "", 400, "BAD_REQUEST"},
    {"GET", "/broken", "", "", 500, "INTERNAL_ERROR"},
    {"GET", "/silent", "", "", 503, "SERVICE_UNAVAILABLE"},
  };
  for (const auto& r : rows) {
    INFO(r.method, " ", r.path, " ", r.headers);
    raw_client client{f.port};
    client.send(format_request(r.method, r.path, r.headers, r.body));
    auto answer = client.receive();
    CHECK(answer.status == r.status);
    CHECK(answer.error_code() == r.code);
    CHECK(!answer.header("x-request-id").empty());
  }
  CHECK(call(f.port, "POST", "/hello").header("allow") == "GET, HEAD");
}

TEST_CASE("what is no HTTP request gets an error body too, and the connection ends") {
  fixture f;
  struct row {
    std::string bytes;
    int status;
    const char* code;
  };
  const row rows[] = {
    {"nonsense\r\n\r\n", 400, "BAD_REQUEST"},
    {"GET /hello HTTP/2.0\r\nHost: a\r\n\r\n", 400, "BAD_REQUEST"},
    {"GET /hello HTTP/1.1\r\n\r\n", 400, "BAD_REQUEST"},
    {"GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "BAD_REQUEST"},
    {"GET /hello HTTP/1.1\r\nHost: a\r\nbad header\r\n\r\n", 400, "BAD_REQUEST"},
    {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", 400, "BAD_REQUEST"},
    {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400, "BAD_REQUEST"},
    {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
     "BAD_REQUEST"},
    {"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\nGET / HTTP/1.1\r\n\r\n", 400, "BAD_REQUEST"},
    {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400,
     "BAD_REQUEST"},
    {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" +
       std::string(2000, 'x') + "\r\n0\r\n\r\n",
     413, "PAYLOAD_TOO_LARGE"},
    {"GET /hello HTTP/1.1\r\nHost: a\r\nX-Long: " + std::string(20000, 'x') + "\r\n\r\n", 431, "HEADERS_TOO_LARGE"},
    {"GET /" + std::string(20000, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n", 431, "HEADERS_TOO_LARGE"},
  };
  for (const auto& r : rows) {
    INFO(r.bytes.substr(0, 100));
    raw_client client{f.port};
    client.send(r.bytes);
    auto answer = client.receive();
    CHECK(answer.status == r.status);
    CHECK(answer.error_code() == r.code);
    CHECK(answer.header("connection") == "close");
    CHECK(client.wait_for_end());
  }
  CHECK(call(f.port, "GET", "/hello").status == 200);
}

TEST_CASE("a body over the limit is refused although the client goes on sending") {
  fixture f;
  raw_client client{f.port};
  client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 8000000\r\n\r\n");
  client.send(std::string(8000000, 'x'));
  CHECK(client.receive().status == 413);
  CHECK(client.wait_for_end());
}

TEST_CASE("chunked bodies are put together") {
  fixture f;
  raw_client client{f.port};
  client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
              "3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nTrailer: t\r\n\r\n");
  CHECK(client.receive().body == "abcdefg");
  client.send(format_request("GET", "/hello"));
  CHECK(client.receive().status == 200);
}

TEST_CASE("a request arrives byte by byte") {
  fixture f;
  raw_client client{f.port};
  for (auto c : format_request("POST", "/echo", "Content-Type: text/plain; charset=utf-8\r\n", "slow"))
    client.send({&c, 1});
  CHECK(client.receive().body == "slow");
}

TEST_CASE("a client may wait for 100 Continue before it sends its body") {
  fixture f;
  const std::string head = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n";
  raw_client client{f.port};
  client.send(head + "Content-Type: text/plain\r\n\r\n");
  CHECK(client.receive().status == 100);
  client.send("body");
  CHECK(client.receive().body == "body");

  raw_client refused{f.port};
  refused.send(head + "Content-Type: text/html\r\n\r\n");
  CHECK(refused.receive().status == 415);

  raw_client impatient{f.port};
  impatient.send(head + "Content-Type: text/plain\r\n\r\nbody");
  CHECK(impatient.receive().body == "body");
}

TEST_CASE("HEAD is GET without the body") {
  fixture f;
  raw_client client{f.port};
  client.send(format_request("HEAD", "/hello"));
  auto head = client.receive(true);
  CHECK(head.status == 200);
  CHECK(head.header("content-length") == "7");
  client.send(format_request("GET", "/hello"));
  CHECK(client.receive().body == "\"hello\"");
}

TEST_CASE("the request id is the client's if it is one") {
  fixture f;
  auto id_for = [&](const std::string& given) {
    return call(f.port, "GET", "/hello", {}, "X-Request-Id: " + given + "\r\n").header("x-request-id");
  };
  CHECK(id_for("my id-1") == "my id-1");
  CHECK(id_for(std::string(128, 'a')) == std::string(128, 'a'));
  CHECK(id_for(std::string(129, 'a')).size() == 36);
  CHECK(id_for("caf\xc3\xa9").size() == 36);
  CHECK(call(f.port, "GET", "/hello").header("x-request-id")[14] == '7');
}

TEST_CASE("HTTP/1.0 and Connection: close end the connection after the answer") {
  fixture f;
  for (const auto* request :
       {"GET /hello HTTP/1.0\r\n\r\n", "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"}) {
    raw_client client{f.port};
    client.send(request);
    auto answer = client.receive();
    CHECK(answer.status == 200);
    CHECK(answer.header("connection") == "close");
    CHECK(client.wait_for_end());
  }
  raw_client kept{f.port};
  kept.send("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  CHECK(kept.receive().header("connection") == "keep-alive");
  kept.send("GET /hello HTTP/1.0\r\n\r\n");
  CHECK(kept.receive().status == 200);
}

TEST_CASE("timeouts: an idle connection is closed, half a request is answered 408") {
  http_config config;
  config.idle_timeout = milliseconds{500};
  config.read_timeout = milliseconds{1000};
  fixture f{config};
  raw_client idle{f.port};
  CHECK(idle.wait_for_end());
  raw_client half{f.port};
  half.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\nContent-Type: text/plain\r\n\r\nabc");
  auto answer = half.receive();
  CHECK(answer.status == 408);
  CHECK(answer.error_code() == "TIMEOUT");
  CHECK(half.wait_for_end());
  raw_client waits{f.port};
  waits.send(format_request("GET", "/wait"));
  auto reply = f.next_waiting();
  raw_client later{f.port};
  CHECK(later.wait_for_end()); // whoever waits for an answer is not idle
  reply(text("late"));
  CHECK(waits.receive().body == "late");
}

TEST_CASE("connections over the bound are told to come back") {
  http_config config;
  config.max_connections = 2;
  fixture f{config};
  raw_client one{f.port};
  raw_client two{f.port};
  for (auto* client : {&one, &two}) {
    client->send(format_request("GET", "/hello"));
    CHECK(client->receive().status == 200);
  }
  raw_client three{f.port};
  three.send(format_request("GET", "/hello"));
  auto answer = three.receive();
  CHECK(answer.status == 503);
  CHECK(answer.error_code() == "BACKPRESSURE");
  CHECK(answer.header("retry-after") == "1");
  CHECK(f.metrics->refused == 1);
}

TEST_CASE("browsers may call only from configured origins") {
  fixture closed;
  CHECK(call(closed.port, "GET", "/hello", {}, "Origin: http://a\r\n").header("access-control-allow-origin").empty());
  router routes;
  routes.allow_origins({"http://a"});
  routes.add("POST", "/x", [](const http_request&, const responder& reply) { reply(text("1")); });
  http_config config;
  config.port = 0;
  auto server = http_server::start(config, std::move(routes));
  REQUIRE(server);
  auto port = (*server)->port();
  auto asked = call(port, "OPTIONS", "/x", {}, "Origin: http://a\r\nAccess-Control-Request-Method: POST\r\n");
  CHECK(asked.status == 204);
  CHECK(asked.header("access-control-allow-methods") == "POST");
  CHECK(asked.header("access-control-allow-origin") == "http://a");
  CHECK(call(port, "OPTIONS", "/x", {}, "Origin: http://b\r\nAccess-Control-Request-Method: POST\r\n").status == 405);
  CHECK(call(port, "POST", "/x", "1", "Origin: http://a\r\n").header("access-control-allow-origin") == "http://a");
}

TEST_CASE("a port in use is an error") {
  fixture f;
  http_config config;
  config.port = f.port;
  auto second = http_server::start(config, router{});
  REQUIRE(!second);
  CHECK(second.error().code == errc::unavailable);
  config.address = "example.invalid";
  auto third = http_server::start(config, router{});
  REQUIRE(!third);
  CHECK(third.error().code == errc::invalid);
}
