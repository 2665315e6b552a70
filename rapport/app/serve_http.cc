// One coroutine per connection: read a request, answer it, until somebody has enough. The only file
// of the program that includes Beast.
#include "rapport/app/serve_http.hh"

#include "rapport/app/serve_site.hh"
#include "rapport/socket/asio/acceptor.hh"
#include "rapport/socket/asio/stream.hh"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/system/error_code.hpp>
#include <unistd.h>

namespace rapport::app {
namespace {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using Parser = http::request_parser<http::string_body>;

constexpr size_t kChunk = 128 << 10;
constexpr size_t kDiscarded = 1 << 20;  // most that is read and thrown away when parting

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7)
std::string http_date(std::time_t t) {
  std::tm utc{};
  (void)::gmtime_r(&t, &utc);
  std::array<char, 40> text{};
  const size_t n = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
  return {text.data(), n};
}

std::string_view view(boost::string_view s) {
  return {s.data(), s.size()};
}

// The same target with '/' behind its path. Of several slashes in front one is left: "//name" would
// name another host (RFC 3986 4.2).
std::string with_slash(std::string_view target) {
  while (target.starts_with("//")) target.remove_prefix(1);
  const size_t query = std::min(target.find('?'), target.size());
  return std::string(target.substr(0, query)) + "/" + std::string(target.substr(query));
}

http::status status_of(Refusal r) {
  switch (r) {
    case Refusal::BadTarget: return http::status::bad_request;
    case Refusal::Forbidden: return http::status::forbidden;
    case Refusal::NotFound:
    case Refusal::NoIndex: return http::status::not_found;
    case Refusal::IsFolder: return http::status::moved_permanently;
    case Refusal::Overloaded: return http::status::service_unavailable;
  }
  return http::status::internal_server_error;
}

// What to answer to bytes that are no request; `unknown` when there is nobody to answer.
http::status status_of_malformed(const error_code& ec) {
  if (ec == http::error::header_limit || ec == http::error::buffer_overflow) {
    return http::status::request_header_fields_too_large;
  }
  if (ec == http::error::body_limit) return http::status::payload_too_large;
  if (ec == http::error::bad_version) return http::status::http_version_not_supported;
  if (ec == http::error::end_of_stream || ec == http::error::partial_message) {
    return http::status::unknown;
  }
  static const auto& http_errors = make_error_code(http::error::end_of_stream).category();
  return ec.category() == http_errors ? http::status::bad_request : http::status::unknown;
}

}  // namespace

class HttpSession {
 public:
  HttpSession(asio::Stream stream, const Site& site, HttpSessions& sessions)
      : stream_(std::move(stream)), site_(site), sessions_(sessions) {
    sessions_.enter(*this);
  }

  HttpSession(const HttpSession&) = delete;
  HttpSession& operator=(const HttpSession&) = delete;

  ~HttpSession() { sessions_.leave(*this); }

  net::awaitable<void> run() {
    bool more = !sessions_.finishing();
    while (more) more = co_await one_request() && !sessions_.finishing();
    co_await part();
  }

  // Waits for no request any more.
  void finish() {
    if (waiting_) stream_.cancel();
  }

 private:
  // True: the connection stays for another one.
  net::awaitable<bool> one_request() {
    Parser parser;
    parser.header_limit(limits_.header_octets);
    parser.body_limit(limits_.body_octets);
    stream_.expires_after(limits_.idle);
    error_code ec;
    auto token = net::redirect_error(net::use_awaitable, ec);
    waiting_ = true;
    co_await http::async_read(stream_, buffer_, parser, token);
    waiting_ = false;
    if (ec) {
      const http::status status = status_of_malformed(ec);
      if (status != http::status::unknown) {
        ++counters_.requests;
        version_ = 11;
        keep_alive_ = head_ = false;
        (void)co_await refuse(status, {});
      }
      co_return false;
    }
    ++counters_.requests;
    const auto& request = parser.get();
    version_ = request.version() == 10 ? 10U : 11U;
    keep_alive_ = request.keep_alive() && !sessions_.finishing();
    head_ = request.method() == http::verb::head;
    const bool sent = co_await answer(request);
    co_return sent&& keep_alive_;
  }

  net::awaitable<bool> answer(const http::request<http::string_body>& request) {
    if (request.version() / 10 != 1) return refuse(http::status::http_version_not_supported, {});
    if (request.method() == http::verb::unknown) return refuse(http::status::not_implemented, {});
    if (request.method() != http::verb::get && !head_) {
      return refuse(http::status::method_not_allowed, {});
    }
    // RFC 9112 3.2: a request of HTTP/1.1 without Host, or with more than one, is a bad request.
    const size_t hosts = request.count(http::field::host);
    if (hosts > 1 || (hosts == 0 && request.version() == 11)) {
      return refuse(http::status::bad_request, {});
    }
    auto file = site_.find(view(request.target()));
    if (!file) {
      const bool index = file.error() == Refusal::NoIndex;
      return refuse(status_of(file.error()), view(request.target()),
                    index ? "no index.html here; name a file\n" : "");
    }
    return send(std::move(*file));
  }

  template <class Body>
  void fill(http::response<Body>& response) const {
    response.set(http::field::server, "rapport");
    response.set(http::field::date, http_date(std::time(nullptr)));
    response.keep_alive(keep_alive_);
  }

  // An answer without a file. `target` only for a folder: where it is. `advice` follows the status.
  net::awaitable<bool> refuse(http::status status, std::string_view target,
                              std::string_view advice = {}) {
    ++(status == http::status::moved_permanently ? counters_.redirected : counters_.failed);
    http::response<http::string_body> response(status, version_);
    fill(response);
    response.set(http::field::content_type, "text/plain; charset=utf-8");
    if (status == http::status::method_not_allowed) response.set(http::field::allow, "GET, HEAD");
    if (status == http::status::moved_permanently) {
      response.set(http::field::location, with_slash(target));
    }
    const std::string text = std::to_string(static_cast<unsigned>(status)) + " "
                             + std::string(view(http::obsolete_reason(status))) + "\n"
                             + std::string(advice);
    response.content_length(text.size());
    if (!head_) response.body() = text;
    stream_.expires_after(limits_.stalled);
    error_code ec;
    auto token = net::redirect_error(net::use_awaitable, ec);
    co_await http::async_write(stream_, response, token);
    co_return !ec;
  }

  net::awaitable<bool> send(SiteFile file) {
    http::response<http::buffer_body> response(http::status::ok, version_);
    fill(response);
    response.set(http::field::content_type, boost::string_view(file.type.data(), file.type.size()));
    response.set(http::field::last_modified, http_date(file.modified));
    response.content_length(file.size);
    response.body().data = nullptr;
    response.body().more = false;
    http::response_serializer<http::buffer_body> serializer(response);
    if (head_ || file.size == 0) {
      stream_.expires_after(limits_.stalled);
      error_code ec;
      auto token = net::redirect_error(net::use_awaitable, ec);
      co_await http::async_write_header(stream_, serializer, token);
      co_return !ec;
    }
    co_return co_await send_body(file, response, serializer);
  }

  // The header leaves with the first chunk. A file that shrinks under us ends the connection.
  net::awaitable<bool> send_body(SiteFile& file, http::response<http::buffer_body>& response,
                                 http::response_serializer<http::buffer_body>& serializer) {
    chunk_.resize(std::min<uint64_t>(kChunk, file.size));
    uint64_t left = file.size;
    while (left > 0) {
      const size_t want = std::min<uint64_t>(chunk_.size(), left);
      const ssize_t got =
          ::pread(file.fd.get(), chunk_.data(), want, static_cast<off_t>(file.size - left));
      if (got <= 0) co_return false;
      left -= static_cast<uint64_t>(got);
      response.body().data = chunk_.data();
      response.body().size = static_cast<size_t>(got);
      response.body().more = left > 0;
      stream_.expires_after(limits_.stalled);
      error_code ec;
      auto token = net::redirect_error(net::use_awaitable, ec);
      co_await http::async_write(stream_, serializer, token);
      if (ec && ec != http::error::need_buffer) co_return false;
    }
    co_return true;
  }

  // FIN first; what the peer still sends is read, for a close with unread text would draw a
  // reset that may overtake our answer (RFC 9112 9.6).
  net::awaitable<void> part() {
    if (!stream_.is_open() || stream_.shutdown()) co_return;
    stream_.expires_after(limits_.parting);
    chunk_.resize(kChunk);
    error_code ec;
    size_t read = 0;
    while (!ec && read < kDiscarded) {
      auto token = net::redirect_error(net::use_awaitable, ec);
      read += co_await stream_.async_read_some(net::buffer(chunk_), token);
    }
  }

  asio::Stream stream_;
  const Site& site_;
  HttpSessions& sessions_;
  HttpCounters& counters_ = sessions_.counters;
  HttpLimits limits_;
  beast::flat_buffer buffer_{limits_.header_octets + limits_.body_octets};
  std::vector<char> chunk_;
  unsigned version_ = 11;
  bool keep_alive_ = false;
  bool head_ = false;
  bool waiting_ = false;  // for a request
};

namespace {

net::awaitable<void> serve_one(asio::Stream stream, const Site& site, HttpSessions& sessions) {
  {
    HttpSession session(std::move(stream), site, sessions);
    co_await session.run();
  }
  sessions.tell_if_ended();
}

}  // namespace

void HttpSessions::finish(std::function<void()> ended) {
  finishing_ = true;
  ended_ = std::move(ended);
  for (HttpSession* session : open_) session->finish();  // posts handlers, calls none
  tell_if_ended();
}

void HttpSessions::tell_if_ended() {
  if (finishing_ && open_.empty() && ended_) std::exchange(ended_, nullptr)();
}

net::awaitable<void> serve_http(asio::Acceptor& acceptor, const Site& site,
                                HttpSessions& sessions) {
  const auto executor = acceptor.get_executor();
  while (true) {
    error_code ec;
    auto token = net::redirect_error(net::use_awaitable, ec);
    asio::Stream stream = co_await acceptor.async_accept(token);
    if (ec == net::error::operation_aborted || ec == net::error::bad_descriptor) co_return;
    if (ec) {  // a cap is reached: wait until something has ended
      net::steady_timer pause(executor, std::chrono::milliseconds(100));
      co_await pause.async_wait(net::use_awaitable);
      continue;
    }
    ++sessions.counters.connections;
    net::co_spawn(executor, serve_one(std::move(stream), site, sessions), net::detached);
  }
}

}  // namespace rapport::app
