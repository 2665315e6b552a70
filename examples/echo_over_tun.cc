// An echo server for the kernel's own clients: Boost.Asio coroutines on a TCP of ours behind a TUN
// interface. Needs CAP_NET_ADMIN; the interface goes when the program ends (Ctrl-C).
// In a network namespace of its own it touches nothing of the host's; as root, in two terminals:
//   ip netns add lab; ip netns exec lab build/dev/bin/echo_over_tun
//   ip netns exec lab bash -c 'exec 3<>/dev/tcp/10.78.0.2/7; echo hi >&3; head -1 <&3'
// and at the end: ip netns del lab
#include "rapport/device/tun.hh"
#include "rapport/shard/shard.hh"
#include "rapport/socket/asio/acceptor.hh"
#include "rapport/socket/asio/context.hh"
#include "rapport/socket/asio/stream.hh"

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

using namespace rapport;
namespace net = boost::asio;

net::awaitable<void> echo(asio::Stream stream) {
  std::array<char, 4096> buffer{};
  boost::system::error_code ec;
  auto token = net::redirect_error(net::use_awaitable, ec);
  while (!ec) {
    const size_t n = co_await stream.async_read_some(net::buffer(buffer), token);
    if (!ec) (void)co_await net::async_write(stream, net::buffer(buffer, n), token);
  }
}  // a stream that is destroyed closes

net::awaitable<void> serve(asio::Acceptor& acceptor) {
  boost::system::error_code ec;
  auto token = net::redirect_error(net::use_awaitable, ec);
  while (!ec) {
    asio::Stream stream = co_await acceptor.async_accept(token);
    if (!ec) net::co_spawn(acceptor.get_executor(), echo(std::move(stream)), net::detached);
  }
}

int failed(const std::string& why) {
  (void)std::fprintf(stderr, "echo_over_tun: %s\n", why.c_str());
  return 2;
}

int main() {
  device::TunConfig tun;
  tun.name = "echo0";
  tun.hosts = {{IpAddress::v4(10, 78, 0, 1), 24}};
  auto device = device::make_tun(tun);
  if (!device) return failed(device.error().text);
  shard::Config config;
  config.stack.interfaces[0].addresses = {{IpAddress::v4(10, 78, 0, 2), 24}};
  auto shard = shard::Shard::make(config, std::move(*device));
  if (!shard) return failed(shard.error().step);

  net::io_context io;
  asio::Context context(io, **shard);
  asio::Acceptor acceptor(context);
  if (const auto ec = acceptor.listen({{}, 7})) return failed(ec.message());
  net::co_spawn(io, serve(acceptor), net::detached);
  net::signal_set signals(io, SIGINT);
  signals.async_wait([&](boost::system::error_code, int) {
    context.async_drain(std::chrono::seconds(5),
                        [&](boost::system::error_code, bool) { context.stop(); });
  });
  std::puts("echo at 10.78.0.2 port 7");
  (void)std::fflush(stdout);
  io.run();
}
