// One coroutine per connection: read a request, tell the story so far.
#include "rapport/app/demo_page.hh"

#include "rapport/app/demo_chronicle.hh"
#include "rapport/app/http_server.hh"
#include "rapport/socket/asio/acceptor.hh"
#include "rapport/socket/asio/stream.hh"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/system/error_code.hpp>

namespace rapport::app {

namespace {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using Request = http::request<http::empty_body>;
using Response = http::response<http::string_body>;

constexpr size_t kWidth = 100;
constexpr uint32_t kHeaderOctets = 16384;
constexpr std::chrono::seconds kIdle{30};     // for a whole request to arrive
constexpr std::chrono::seconds kStalled{30};  // for an answer to be taken
constexpr std::chrono::seconds kParting{5};   // for the peer to close after us
constexpr size_t kDiscarded = 64 << 10;       // most that is read and thrown away when parting

std::string_view view(boost::string_view s) {
  return {s.data(), s.size()};
}

std::string own_page(Chronicle& chronicle, uint16_t port) {
  std::string out =
      "Your browser speaks TCP with the kernel, as always. From there its octets went on over a\n"
      "second connection, between two hosts inside this one process, on Rapport's TCP. This is "
      "that\n"
      "connection, from its first segment to your request:\n\n";
  out += chronicle.ladder(port, kWidth);
  out +=
      "\nThe page that you read travels on it now. How such a connection ends: /latest shows the\n"
      "latest that has.\n";
  return out;
}

std::string latest_page(Chronicle& chronicle) {
  const std::string ladder = chronicle.latest(kWidth);
  if (ladder.empty()) return "No connection has ended yet: fetch / first, then this again.\n";
  return "The latest connection that has ended, the whole of it:\n\n" + ladder;
}

Response page(const Request& request, Chronicle& chronicle, uint16_t port) {
  Response out(http::status::ok, request.version());
  const std::string_view target = view(request.target());
  if (request.method() != http::verb::get && request.method() != http::verb::head) {
    out.result(http::status::method_not_allowed);
    out.set(http::field::allow, "GET, HEAD");
    out.body() = "405 Method Not Allowed\n";
  } else if (target == "/" || target.starts_with("/?")) {
    out.body() = own_page(chronicle, port);
  } else if (target == "/latest") {
    out.body() = latest_page(chronicle);
  } else {
    out.result(http::status::not_found);
    out.body() = "404 Not Found: there are / and /latest\n";
  }
  return out;
}

class PageSession {
 public:
  PageSession(asio::Stream stream, Chronicle& chronicle, PageCounts& served)
      : stream_(std::move(stream)),
        chronicle_(chronicle),
        served_(served),
        port_(stream_.remote_endpoint().port) {}

  net::awaitable<void> run() {
    bool more = true;
    while (more) more = co_await one_request();
    co_await part();
    chronicle_.end(port_);
  }

 private:
  net::awaitable<bool> one_request() {
    http::request_parser<http::empty_body> parser;
    parser.header_limit(kHeaderOctets);
    stream_.expires_after(kIdle);
    error_code ec;
    auto token = net::redirect_error(net::use_awaitable, ec);
    co_await http::async_read(stream_, buffer_, parser, token);
    if (!ec) {
      const Request& request = parser.get();
      Response response = page(request, chronicle_, port_);
      co_return co_await send(response, request.keep_alive(), request.method() == http::verb::head);
    }
    const auto status = static_cast<http::status>(status_of_malformed(ec));
    if (status == http::status::unknown) co_return false;
    Response refusal(status, 11);
    refusal.body() = std::string(view(http::obsolete_reason(status))) + "\n";
    co_return co_await send(refusal, false, false);
  }

  net::awaitable<bool> send(Response& response, bool keep_alive, bool head) {
    ++(response.result() == http::status::ok ? served_.pages : served_.errors);
    response.set(http::field::server, "rapport");
    response.set(http::field::content_type, "text/plain; charset=utf-8");
    response.set(http::field::cache_control, "no-store");
    response.keep_alive(keep_alive);
    response.content_length(response.body().size());
    if (head) response.body().clear();
    std::ostringstream octets;  // in one piece: the ladder shows one call
    octets << response.base() << response.body();
    const std::string all = octets.str();
    stream_.expires_after(kStalled);
    error_code ec;
    auto token = net::redirect_error(net::use_awaitable, ec);
    co_await net::async_write(stream_, net::buffer(all), token);
    co_return !ec && keep_alive;
  }

  net::awaitable<void> part() {
    if (!stream_.is_open()) co_return;
    stream_.expires_after(kParting);
    co_await part_from(stream_, kDiscarded);
  }

  asio::Stream stream_;
  Chronicle& chronicle_;
  PageCounts& served_;
  uint16_t port_;
  beast::flat_buffer buffer_{kHeaderOctets};
};

net::awaitable<void> serve_one(asio::Stream stream, Chronicle& chronicle, PageCounts& served) {
  PageSession session(std::move(stream), chronicle, served);
  co_await session.run();
}

}  // namespace

net::awaitable<void> serve_pages(asio::Acceptor& acceptor, Chronicle& chronicle,
                                 PageCounts& served) {
  const auto executor = acceptor.get_executor();
  co_await accept_each(acceptor, [&chronicle, &served, executor](asio::Stream stream) {
    net::co_spawn(executor, serve_one(std::move(stream), chronicle, served), net::detached);
  });
}

}  // namespace rapport::app
