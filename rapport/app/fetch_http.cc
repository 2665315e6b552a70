// The GET itself. The only file of `fetch` that includes Beast.
#include "rapport/app/fetch_http.hh"

#include "rapport/app/transport.hh"
#include "rapport/app/version.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/system/error_code.hpp>
#include <fmt/format.h>

namespace rapport::app {
namespace {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using Parser = http::response_parser<http::buffer_body>;

constexpr uint32_t kHeaderOctets = 65536;
constexpr size_t kPiece = 128 << 10;
constexpr int kMostInterim = 16;  // answers 1xx before the final one

std::string request_text(const Url& url) {
  return fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: rapport/{}\r\nAccept: */*\r\n"
      "Connection: close\r\n\r\n",
      url.target, url.authority(), kVersion);
}

class Fetch {
 public:
  Fetch(Transport& transport, const FetchJob& job) : transport_(transport), job_(job) {
    buffer_.reserve(kHeaderOctets);
  }

  net::awaitable<FetchResult> run() {
    const bool asked = co_await ask();  // one co_await an expression: g++ 12 has a bug
    if (!asked) co_return result_;
    const bool answered = co_await read_header();
    if (answered) co_await read_body();
    co_return result_;
  }

 private:
  net::awaitable<bool> ask() {
    const std::string text = request_text(job_.url);
    transport_.stream().expires_after(job_.patience);
    error_code ec;
    auto token = net::redirect_error(net::use_awaitable, ec);
    co_await net::async_write(transport_, net::buffer(text), token);
    co_return !fails(ec);
  }

  net::awaitable<bool> read_header() {
    for (int i = 0; i < kMostInterim; ++i) {
      Parser& parser = parser_.emplace();
      parser.header_limit(kHeaderOctets);
      parser.body_limit(UINT64_MAX);
      transport_.stream().expires_after(job_.patience);
      error_code ec;
      auto token = net::redirect_error(net::use_awaitable, ec);
      co_await http::async_read_header(transport_, buffer_, parser, token);
      if (fails(ec)) co_return false;
      if (parser.get().result_int() / 100 != 1) {
        note_header();
        co_return true;
      }
    }
    result_.malformed = true;
    co_return false;
  }

  void note_header() {
    const auto& answer = parser_->get();
    result_.status = answer.result_int();
    result_.reason = std::string(answer.reason());
    const auto where = answer.find(http::field::location);
    if (where != answer.end()) result_.location = std::string(where->value());
    if (answer.count(http::field::content_length) > 0 && parser_->content_length()) {
      result_.length = *parser_->content_length();
    }
  }

  net::awaitable<void> read_body() {
    if (!job_.begin(result_.status, result_.length)) co_return;
    const auto piece = std::make_unique<std::array<char, kPiece>>();
    auto& body = parser_->get().body();
    while (!parser_->is_done()) {
      body.data = piece->data();
      body.size = piece->size();
      transport_.stream().expires_after(job_.patience);
      error_code ec;
      auto token = net::redirect_error(net::use_awaitable, ec);
      co_await http::async_read_some(transport_, buffer_, *parser_, token);
      const size_t got = piece->size() - body.size;
      result_.octets += got;
      const bool taken = co_await job_.take(std::span(*piece).first(got));
      if (!taken) co_return;
      if (ec != http::error::need_buffer && fails(ec)) co_return;
    }
  }

  bool fails(const error_code& ec) {
    if (!ec) return false;
    static const auto& http_errors = make_error_code(http::error::end_of_stream).category();
    result_.error = ec;
    result_.cut_short = ec == http::error::partial_message || ec == http::error::end_of_stream;
    result_.malformed = ec.category() == http_errors && !result_.cut_short;
    return true;
  }

  Transport& transport_;
  const FetchJob& job_;
  FetchResult result_;
  beast::flat_buffer buffer_{kHeaderOctets + kPiece};
  std::optional<Parser> parser_;
};

}  // namespace

net::awaitable<FetchResult> fetch_over(Transport& transport, const FetchJob& job) {
  Fetch fetch(transport, job);
  FetchResult result = co_await fetch.run();
  co_return result;
}

}  // namespace rapport::app
