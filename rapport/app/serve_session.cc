// A session as a coroutine. The only file of `serve` that includes Beast: it reads requests and
// writes the headers of answers.
#include "rapport/app/serve_session.hh"

#include "rapport/app/http_fields.hh"
#include "rapport/app/http_server.hh"
#include "rapport/app/serve_answer.hh"
#include "rapport/app/serve_http.hh"
#include "rapport/app/transport.hh"
#include "rapport/socket/asio/stream.hh"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
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
using std::chrono::steady_clock;
using Parser = http::request_parser<http::buffer_body>;

constexpr size_t kBodyBuffer = 64 << 10;

std::string_view view(boost::string_view s) {
  return {s.data(), s.size()};
}

boost::string_view beast_view(std::string_view s) {
  return {s.data(), s.size()};
}

Method method_of(http::verb verb) {
  switch (verb) {
    case http::verb::get: return Method::Get;
    case http::verb::head: return Method::Head;
    case http::verb::put: return Method::Put;
    case http::verb::unknown: return Method::Unknown;
    default: return Method::Other;
  }
}

std::optional<std::string> field_of(const Parser::value_type& message, http::field name) {
  const auto found = message.find(name);
  if (found == message.end()) return std::nullopt;
  return std::string(view(found->value()));
}

Request request_of(const Parser& parser) {
  const auto& m = parser.get();
  Request r;
  r.method = method_of(m.method());
  r.version = m.version();
  r.target = view(m.target());
  r.hosts = m.count(http::field::host);
  r.conditions = {field_of(m, http::field::if_match), field_of(m, http::field::if_none_match),
                  field_of(m, http::field::if_modified_since),
                  field_of(m, http::field::if_unmodified_since),
                  field_of(m, http::field::if_range)};
  r.range = field_of(m, http::field::range);
  r.expect = field_of(m, http::field::expect);
  r.chunked = parser.chunked();
  r.part_of_content = m.count(http::field::content_range) > 0;
  if (m.count(http::field::content_length) > 0) r.length = parser.content_length().value_or(0);
  return r;
}

}  // namespace

struct HttpSession::Reading {
  explicit Reading(uint32_t header_octets) : buffer(header_octets + kBodyBuffer) {}

  beast::flat_buffer buffer;
  std::optional<Parser> parser;
};

struct HttpSession::Lent {
  Chunks& from;
  Chunks::Chunk chunk = from.take();

  ~Lent() { from.give_back(std::move(chunk)); }
};

HttpSession::HttpSession(std::unique_ptr<Transport> transport, HttpService& service)
    : transport_(std::move(transport)),
      service_(service),
      reading_(std::make_unique<Reading>(service.limits_.header_octets)) {
  service_.open_.insert(this);
}

HttpSession::~HttpSession() {
  service_.open_.erase(this);
}

void HttpSession::enter(Phase phase, steady_clock::duration time) {
  phase_ = phase;
  deadline_ = steady_clock::now() + time;
}

void HttpSession::check_time(steady_clock::time_point now) {
  if (now < deadline_) return;
  deadline_ = steady_clock::time_point::max();
  switch (phase_) {
    case Phase::Opening:
    case Phase::Answering: return transport_->stream().abort();
    case Phase::Header:
    case Phase::Body: slow_ = true; return transport_->stream().cancel();
    case Phase::Parting: return transport_->stream().close();
  }
}

void HttpSession::finish() {
  if (phase_ == Phase::Opening || phase_ == Phase::Header) transport_->stream().cancel();
}

net::awaitable<void> HttpSession::run() {
  enter(Phase::Opening, service_.limits_.opening);
  const error_code failed = co_await transport_->open();
  if (failed) {
    if (!service_.finishing()) ++service_.counters_.tls_failed;
    transport_->stream().abort();
    co_return;
  }
  bool more = !service_.finishing();
  while (more) more = co_await one_request() && !service_.finishing();
  co_await part();
}

// True: the connection stays for another one.
net::awaitable<bool> HttpSession::one_request() {
  version_ = 11;
  keep_alive_ = head_ = slow_ = false;
  body_octets_ = 0;
  if (!co_await read_header()) co_return false;
  ++service_.counters_.requests;
  const Request request = request_of(*reading_->parser);
  version_ = request.version == 10 ? 10 : 11;
  keep_alive_ = reading_->parser->keep_alive() && !service_.finishing();
  head_ = request.method == Method::Head;
  const bool sent = co_await carry_out(request);
  co_return sent&& keep_alive_;
}

net::awaitable<bool> HttpSession::read_header() {
  Parser& parser = reading_->parser.emplace();
  parser.header_limit(service_.limits_.header_octets);
  parser.body_limit(UINT64_MAX);
  enter(Phase::Header, service_.limits_.idle);
  error_code ec;
  auto token = net::redirect_error(net::use_awaitable, ec);
  co_await http::async_read_header(*transport_, reading_->buffer, parser, token);
  if (!ec) co_return true;
  const bool any = parser.got_some() || reading_->buffer.size() > 0;
  if (!slow_ || any) co_await answer_unreadable(ec);
  co_return false;
}

net::awaitable<void> HttpSession::answer_unreadable(ErrorCode why) {
  const unsigned status = slow_ ? 408 : status_of_malformed(why);
  if (status == 0) co_return;
  if (phase_ == Phase::Header) ++service_.counters_.requests;
  keep_alive_ = false;
  (void)co_await refuse(status);
}

net::awaitable<bool> HttpSession::carry_out(const Request& request) {
  if (auto refused = refusal_of_form(request, service_.rules_)) co_return co_await send(*refused);
  if (request.method == Method::Put) co_return co_await receive(request);
  if (!reading_->parser->is_done() && !co_await discard(request)) co_return false;
  Answer answer = answer_to(request, service_.site_, std::time(nullptr));
  co_return co_await send(answer);
}

// RFC 9110 10.1.1: who waits for it is told to go on, unless the body is coming already.
net::awaitable<bool> HttpSession::invite(const Request& request) {
  enter(Phase::Body, service_.limits_.body);
  body_began_ = steady_clock::now();
  if (!request.expect || request.version < 11 || reading_->buffer.size() > 0) co_return true;
  static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  error_code ec;
  auto token = net::redirect_error(net::use_awaitable, ec);
  co_await net::async_write(*transport_, net::buffer(kContinue), token);
  co_return !ec;
}

// The next octets of the body; 0 at its end.
net::awaitable<std::expected<size_t, HttpSession::ErrorCode>> HttpSession::read_piece(
    std::span<char> into) {
  Parser& parser = *reading_->parser;
  auto& body = parser.get().body();
  body.data = into.data();
  body.size = into.size();
  while (!parser.is_done() && body.size == into.size()) {
    const std::chrono::seconds earned(body_octets_ / service_.limits_.slowest);
    deadline_ = body_began_ + service_.limits_.body + earned;
    error_code ec;
    auto token = net::redirect_error(net::use_awaitable, ec);
    co_await http::async_read_some(*transport_, reading_->buffer, parser, token);
    if (ec && ec != http::error::need_buffer) co_return std::unexpected(ec);
  }
  const size_t got = into.size() - body.size;
  body_octets_ += got;
  co_return got;
}

// A body that nobody asked for: read, so that the next request can be.
net::awaitable<bool> HttpSession::discard(const Request& request) {
  if (!co_await invite(request)) co_return false;
  std::array<char, 4096> nowhere{};
  while (true) {
    const auto got = co_await read_piece(nowhere);
    if (!got) {
      co_await answer_unreadable(got.error());
      co_return false;
    }
    if (*got == 0) co_return true;
    if (body_octets_ > service_.rules_.body_octets) {
      keep_alive_ = false;
      (void)co_await refuse(413);
      co_return false;
    }
  }
}

net::awaitable<bool> HttpSession::receive(const Request& request) {
  auto refused = refusal_of_upload(request, service_.site_);
  if (refused) co_return co_await send(*refused);
  auto upload = service_.site_.upload(request.target);
  if (!upload) {
    keep_alive_ = false;
    co_return co_await refuse(status_of(upload.error()));
  }
  if (!co_await invite(request)) co_return false;
  if (!co_await fill(*upload)) co_return false;
  reading_->buffer.shrink_to_fit();
  // What was so when the header came need not be so any more: others have been served meanwhile.
  refused = refusal_of_upload(request, service_.site_);
  if (refused) co_return co_await send(*refused);
  const auto created = upload->commit(must_be_new(request));
  if (!created) co_return co_await refuse(status_of(created.error()));
  Answer answer = *created ? refusal(201) : Answer{};
  if (!*created) answer.status = 204;
  co_return co_await send(answer);
}

// False: it did not come to an end, and the client has been told where that makes sense.
net::awaitable<bool> HttpSession::fill(Upload& upload) {
  Lent lent{service_.chunks_};
  reading_->buffer.reserve(kBodyBuffer);  // Beast reads as much at a time as there is room for
  while (true) {
    const auto got = co_await read_piece(*lent.chunk);
    if (!got) {
      co_await answer_unreadable(got.error());
      co_return false;
    }
    if (*got == 0) co_return true;
    unsigned failed = 0;
    if (body_octets_ > service_.rules_.upload_octets) {
      failed = 413;
    } else if (const int code = upload.write(std::span(*lent.chunk).first(*got)); code != 0) {
      failed = status_of(refusal_of(code));
    }
    if (failed != 0) {
      keep_alive_ = false;
      (void)co_await refuse(failed);
      co_return false;
    }
  }
}

net::awaitable<bool> HttpSession::refuse(unsigned status) {
  Answer answer = refusal(status);
  co_return co_await send(answer);
}

// The header leaves with the first chunk. A file that shrinks under us ends the connection.
net::awaitable<bool> HttpSession::send(Answer& answer) {
  ++service_.counters_.answers[answer.status];
  keep_alive_ = keep_alive_ && answer.keep_alive;
  http::response<http::buffer_body> response(static_cast<http::status>(answer.status), version_);
  response.reason(beast_view(reason_phrase(answer.status)));
  response.set(http::field::server, "rapport");
  response.set(http::field::date, http_date(std::time(nullptr)));
  for (const auto& [name, value] : answer.fields) response.insert(beast_view(name), value);
  const bool bodiless = answer.status == 204 || answer.status == 304;
  if (!bodiless) response.content_length(answer.body.length());
  response.keep_alive(keep_alive_);
  response.body().data = nullptr;
  response.body().more = false;
  http::response_serializer<http::buffer_body> serializer(response);
  uint64_t left = head_ || bodiless ? 0 : answer.body.length();
  enter(Phase::Answering, service_.limits_.stalled);
  error_code ec;
  auto token = net::redirect_error(net::use_awaitable, ec);
  if (left == 0) {
    co_await http::async_write_header(*transport_, serializer, token);
    co_return !ec;
  }

  Lent lent{service_.chunks_};
  while (left > 0) {
    const auto got = answer.body.fill(*lent.chunk);
    if (!got || *got == 0) co_return false;
    left -= *got;
    response.body().data = lent.chunk->data();
    response.body().size = *got;
    response.body().more = left > 0;
    enter(Phase::Answering, service_.limits_.stalled);
    co_await http::async_write(*transport_, serializer, token);
    if (ec && ec != http::error::need_buffer) co_return false;
  }
  co_return true;
}

net::awaitable<void> HttpSession::part() {
  asio::Stream& stream = transport_->stream();
  if (!stream.is_open()) co_return;
  enter(Phase::Parting, service_.limits_.parting);
  co_await transport_->say_end();
  co_await part_from(stream, service_.limits_.discarded);
}

}  // namespace rapport::app
