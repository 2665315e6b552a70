// An echo server and its client as coroutines on one shard, in real time: a device that hands back
// what it is given stands for the network, so no root is needed. With device::make_tun() in its
// place the same programs serve the kernel's own clients.
#include "rapport/device/loopback.hh"
#include "rapport/shard/driver.hh"
#include "rapport/shard/shard.hh"
#include "rapport/socket/coroutine/host.hh"
#include "rapport/socket/coroutine/timeout.hh"

#include <array>
#include <cstdio>
#include <span>
#include <string_view>
#include <utility>

using namespace rapport;
using coroutine::Task;

const Endpoint kServer{IpAddress::v4(10, 0, 0, 1), 7};

Task<> echo(coroutine::Stream stream) {
  std::array<uint8_t, 4096> buffer{};
  for (;;) {
    auto reading = stream.read(buffer);
    const auto n = co_await reading;
    if (!n || *n == 0) co_return;  // a stream that is destroyed closes
    auto writing = stream.write(std::span(buffer).first(*n));
    if (!co_await writing) co_return;
  }
}

Task<> serve(coroutine::Host& host, coroutine::Listener& listener) {
  for (;;) {
    auto accepting = listener.accept();
    auto stream = co_await accepting;
    if (!stream) co_return;  // the listener has closed
    host.spawn(echo(std::move(*stream)));
  }
}

Task<> ask(coroutine::Host& host, coroutine::Listener& listener, std::string_view what) {
  auto connecting = coroutine::with_timeout(host, 5_s, host.connect(kServer));
  auto stream = co_await connecting;
  if (!stream) co_return;
  auto writing = stream->write({reinterpret_cast<const uint8_t*>(what.data()), what.size()});
  (void)co_await writing;
  std::array<uint8_t, 64> buffer{};
  auto reading = coroutine::with_timeout(host, 5_s, stream->read(buffer));
  const auto n = co_await reading;
  if (n) std::printf("echo: %.*s\n", static_cast<int>(*n), reinterpret_cast<char*>(buffer.data()));
  (void)listener.close();  // the server has served its purpose
}

int main() {
  auto device = device::Loopback::make();
  if (!device) return 2;
  shard::Config config;
  config.stack.interfaces[0].addresses = {{kServer.address, 24}};
  auto shard = shard::Shard::make(config, std::move(*device));
  if (!shard) return 2;

  coroutine::Host host((*shard)->stack(), (*shard)->now());
  auto listener = host.listen(kServer.port);
  if (!listener) return 2;
  host.spawn(serve(host, *listener));
  host.spawn(ask(host, *listener, "hello"));
  shard::Driver driver(**shard, host);
  const bool ended = driver.run((*shard)->now() + 30_s);  // until every program has ended
  const bool parted = driver.drain(5_s);                  // until every FIN is acknowledged
  std::puts(ended && parted ? "all closed" : "something is still open");
  return ended && parted ? 0 : 1;
}
