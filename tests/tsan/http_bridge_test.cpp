// The way of a request across threads: a thread of the server hands the responder to another thread, which answers
// whenever it likes, while clients come, go away and the server stops. Run under ThreadSanitizer.

#include "runtime/http/http_server.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <doctest/doctest.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

using namespace geartrain;
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

/// Answers on threads of its own, as actors do.
class answerers {
public:
  explicit answerers(int threads) {
    for (int i = 0; i < threads; ++i)
      threads_.emplace_back([this] { run(); });
  }

  ~answerers() {
    {
      std::lock_guard guard{mutex_};
      stopping_ = true;
    }
    wake_.notify_all();
    for (auto& thread : threads_)
      thread.join();
  }

  void add(std::function<void()> work) {
    {
      std::lock_guard guard{mutex_};
      work_.push_back(std::move(work));
    }
    wake_.notify_one();
  }

private:
  void run() {
    for (std::unique_lock guard{mutex_};;) {
      wake_.wait(guard, [this] { return stopping_ || !work_.empty(); });
      if (work_.empty())
        return;
      auto work = std::move(work_.front());
      work_.pop_front();
      guard.unlock();
      work();
      work = nullptr; // the last copy of a responder may go away here
      guard.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> work_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

struct client {
  explicit client(std::uint16_t port) { socket.connect({asio::ip::make_address("127.0.0.1"), port}); }

  void send(const std::string& path) {
    asio::write(socket, asio::buffer("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  }

  /// The status of the next answer; its body is thrown away.
  int receive() {
    auto head_size = asio::read_until(socket, buffer, "\r\n\r\n");
    std::string head{asio::buffers_begin(buffer.data()),
                     asio::buffers_begin(buffer.data()) + static_cast<long>(head_size)};
    buffer.consume(head_size);
    for (auto& c : head)
      c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    auto at = head.find("content-length: ");
    auto body = at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
    while (buffer.size() < body)
      buffer.commit(socket.read_some(buffer.prepare(4096)));
    buffer.consume(body);
    return std::stoi(head.substr(9, 3));
  }

  asio::io_context context;
  tcp::socket socket{context};
  asio::streambuf buffer;
};

std::unique_ptr<http_server> serve(router routes) {
  http_config config;
  config.port = 0;
  config.threads = 2;
  auto server = http_server::start(config, std::move(routes));
  REQUIRE(server);
  return std::move(*server);
}

} // namespace

TEST_CASE("answers from other threads reach the clients that asked") {
  constexpr int clients = 6, requests = 60;
  answerers others{3};
  std::atomic<int> written{0};
  router routes;
  routes.add("GET", "/echo/{n}", [&](http_request request, responder respond) {
    others.add([request = std::move(request), respond, &written] {
      http_response response;
      response.body = "\"" + std::string{request.param("n")} + "\"";
      respond(std::move(response), [&written](bool ok) { written += ok ? 1 : 0; });
    });
  });
  routes.add("GET", "/dropped", [&](http_request, responder respond) { others.add([respond] {}); });
  auto server = serve(std::move(routes));

  std::atomic<int> right{0}, dropped{0};
  std::vector<std::thread> threads;
  for (int c = 0; c < clients; ++c)
    threads.emplace_back([&, c] {
      client connection{server->port()};
      for (int i = 0; i < requests; ++i) {
        bool drop = (i + c) % 10 == 0;
        connection.send(drop ? "/dropped" : "/echo/" + std::to_string(i));
        auto status = connection.receive();
        right += !drop && status == 200 ? 1 : 0;
        dropped += drop && status == 503 ? 1 : 0;
      }
    });
  for (auto& thread : threads)
    thread.join();
  CHECK(right + dropped == clients * requests);
  CHECK(server->stop(milliseconds{10000}));
  CHECK(written == right);
}

TEST_CASE("clients that leave while their answer is on its way disturb nobody") {
  constexpr int clients = 4, rounds = 30;
  answerers others{2};
  std::atomic<int> asked{0}, settled{0};
  router routes;
  routes.add("GET", "/wait", [&](http_request, responder respond) {
    ++asked;
    respond.on_disconnect([respond, &others] { others.add([respond] { respond(http_response{204, {}, {}, {}}); }); });
    others.add([respond, &settled] { respond(http_response{}, [&settled](bool) { ++settled; }); });
  });
  auto server = serve(std::move(routes));

  std::vector<std::thread> threads;
  for (int c = 0; c < clients; ++c)
    threads.emplace_back([&] {
      for (int i = 0; i < rounds; ++i) {
        client connection{server->port()};
        connection.send("/wait");
        if (i % 3 == 0)
          CHECK(connection.receive() == 200);
      }
    });
  for (auto& thread : threads)
    thread.join();
  client last{server->port()};
  last.send("/wait");
  CHECK(last.receive() == 200);
  server->stop(milliseconds{10000});
  CHECK(settled <= asked);
}

TEST_CASE("stopping races with answers and new requests") {
  for (int round = 0; round < 5; ++round) {
    answerers others{2};
    router routes;
    routes.add("GET", "/work",
               [&](http_request, responder respond) { others.add([respond] { respond(http_response{}); }); });
    auto server = serve(std::move(routes));
    std::atomic<int> answered{0};
    std::vector<std::thread> threads;
    for (int c = 0; c < 4; ++c)
      threads.emplace_back([&] {
        try {
          for (client connection{server->port()};; ++answered) {
            connection.send("/work");
            connection.receive();
          }
        } catch (const boost::system::system_error&) { // the server has closed the connection
        }
      });
    while (answered < 20)
      std::this_thread::yield();
    server->drain();
    CHECK(server->stop(milliseconds{10000}));
    for (auto& thread : threads)
      thread.join();
  }
}
