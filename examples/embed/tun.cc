// The same server for the kernel's own clients, behind a TUN interface, with Boost.Asio: says hello
// to one client and ends. Needs CAP_NET_ADMIN; try it in scripts/lab, or in a network namespace.
#include "rapport/device/tun.hh"

#include "rapport/shard/shard.hh"
#include "rapport/socket/asio/acceptor.hh"
#include "rapport/socket/asio/context.hh"

#include <chrono>
#include <cstdio>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

using namespace rapport;
namespace net = boost::asio;

net::awaitable<void> serve(asio::Acceptor& port, asio::Context& context) {
  auto stream = co_await port.async_accept(net::use_awaitable);
  co_await net::async_write(stream, net::buffer("hello\n", 6), net::use_awaitable);
  (void)stream.shutdown();
  co_await stream.async_wait_end(net::use_awaitable);
  context.stop();  // and io.run() returns
}

int main() {
  auto device = device::make_tun({.name = "embed0", .hosts = {{IpAddress::v4(10, 79, 0, 1), 24}}});
  if (!device) return std::fprintf(stderr, "tun: %s\n", device.error().text.c_str()), 2;
  shard::Config config;
  config.stack.interfaces[0].addresses = {{IpAddress::v4(10, 79, 0, 2), 24}};
  auto shard = shard::Shard::make(config, std::move(*device)).value();
  net::io_context io;
  asio::Context context(io, *shard);
  asio::Acceptor port(context);
  if (const auto failed = port.listen({{}, 7})) return std::puts(failed.message().c_str()), 1;
  net::co_spawn(io, serve(port, context), net::detached);
  io.run();
}
