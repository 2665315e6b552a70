// The server of the tun_* figures: one HTTP handler of Boost.Beast, on a stream of ours behind a
// TUN that is made here, or on a socket of the kernel's. GET /N is answered by N octets, a PUT by
// 201 when all of it has been read. One thread; SIGINT ends it. See bench/tun.
#include "rapport/base/address.hh"
#include "rapport/device/tun.hh"
#include "rapport/shard/shard.hh"
#include "rapport/socket/asio/acceptor.hh"
#include "rapport/socket/asio/context.hh"
#include "rapport/socket/asio/stream.hh"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

namespace rapport::bench {
namespace {

namespace net = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr size_t kBlock = 256 << 10;
constexpr uint16_t kPort = 80;

const std::vector<char>& block() {
  static const std::vector<char> octets(kBlock, 'x');
  return octets;
}

void set_no_delay(asio::Stream& stream) {
  (void)stream.set_no_delay(true);
}

void set_no_delay(net::ip::tcp::socket& socket) {
  error_code ignored;
  socket.set_option(net::ip::tcp::no_delay(true), ignored);
}

// The N of "/N"; 0 for anything else.
size_t wanted(std::string_view target) {
  size_t n = 0;
  if (!target.empty()) (void)std::from_chars(target.data() + 1, target.data() + target.size(), n);
  return n;
}

// Reads a body to its end and throws it away.
template <class Stream, class Buffer, class Parser>
net::awaitable<void> swallow(Stream& stream, Buffer& buffer, Parser& parser, error_code& ec) {
  std::vector<char> sink(kBlock);
  while (!ec && !parser.is_done()) {
    parser.get().body().data = sink.data();
    parser.get().body().size = sink.size();
    co_await http::async_read(stream, buffer, parser, net::redirect_error(net::use_awaitable, ec));
    if (ec == http::error::need_buffer) ec = {};
  }
}

template <class Stream>
net::awaitable<void> send(Stream& stream, http::status status, size_t octets, bool keep,
                          error_code& ec) {
  auto token = net::redirect_error(net::use_awaitable, ec);
  http::response<http::span_body<const char>> answer(status, 11);
  answer.keep_alive(keep);
  answer.content_length(octets);
  answer.body() = {block().data(), std::min(octets, kBlock)};
  if (octets <= kBlock) {
    co_await http::async_write(stream, answer, token);
    co_return;
  }
  http::response_serializer<http::span_body<const char>> serializer(answer);
  co_await http::async_write_header(stream, serializer, token);
  for (size_t left = octets; left > 0 && !ec;) {
    const size_t n = std::min(left, kBlock);
    co_await net::async_write(stream, net::buffer(block().data(), n), token);
    left -= n;
  }
}

template <class Stream>
net::awaitable<void> answer(Stream stream) {
  set_no_delay(stream);
  boost::beast::flat_buffer buffer;
  error_code ec;
  for (bool keep = true; keep && !ec;) {
    http::request_parser<http::buffer_body> parser;
    parser.body_limit(uint64_t{1} << 40);
    co_await http::async_read_header(stream, buffer, parser,
                                     net::redirect_error(net::use_awaitable, ec));
    if (ec) co_return;
    keep = parser.get().keep_alive();
    const bool put = parser.get().method() == http::verb::put;
    if (put && parser.get()[http::field::expect] == "100-continue") {
      http::response<http::empty_body> go_on(http::status::continue_, 11);
      co_await http::async_write(stream, go_on, net::redirect_error(net::use_awaitable, ec));
    }
    const auto target = parser.get().target();
    const size_t octets = put ? 0 : wanted({target.data(), target.size()});
    if (put) buffer.reserve(size_t{1} << 16);  // Beast reads as much at a time as there is room for
    co_await swallow(stream, buffer, parser, ec);
    if (ec) co_return;
    co_await send(stream, put ? http::status::created : http::status::ok, octets, keep, ec);
  }
}

template <class Stream, class Acceptor>
net::awaitable<void> serve(Acceptor& acceptor) {
  error_code ec;
  while (!ec) {
    Stream stream = co_await acceptor.async_accept(net::redirect_error(net::use_awaitable, ec));
    if (!ec) net::co_spawn(acceptor.get_executor(), answer(std::move(stream)), net::detached);
  }
}

int failed(const std::string& why) {
  (void)std::fprintf(stderr, "tun_server: %s\n", why.c_str());
  return 2;
}

void run(net::io_context& io) {
  net::signal_set signals(io, SIGINT, SIGTERM);
  signals.async_wait([&io](const error_code&, int) { io.stop(); });
  std::puts("ready");
  (void)std::fflush(stdout);
  io.run();
}

int serve_ours(const std::string& name) {
  device::TunConfig tun;
  tun.name = name;
  tun.hosts = {{IpAddress::v4(10, 77, 0, 1), 24}};
  auto device = device::make_tun(tun);
  if (!device) return failed(device.error().text);
  shard::Config config;
  config.stack.interfaces[0].addresses = {{IpAddress::v4(10, 77, 0, 2), 24}};
  auto shard = shard::Shard::make(config, std::move(*device));
  if (!shard) return failed(shard.error().step);
  net::io_context io(1);
  asio::Context context(io, **shard);
  asio::Acceptor acceptor(context);
  if (const auto ec = acceptor.listen({{}, kPort})) return failed(ec.message());
  net::co_spawn(io, serve<asio::Stream>(acceptor), net::detached);
  run(io);
  return 0;
}

int serve_kernel() {
  net::io_context io(1);
  net::ip::tcp::acceptor acceptor(io, {net::ip::tcp::v4(), kPort});
  net::co_spawn(io, serve<net::ip::tcp::socket>(acceptor), net::detached);
  run(io);
  return 0;
}

}  // namespace
}  // namespace rapport::bench

int main(int argc, char** argv) {
  if (argc == 3 && std::strcmp(argv[1], "ours") == 0) return rapport::bench::serve_ours(argv[2]);
  if (argc == 2 && std::strcmp(argv[1], "kernel") == 0) return rapport::bench::serve_kernel();
  return rapport::bench::failed("usage: tun_server ours NAME | tun_server kernel");
}
