// A client and a server on one TCP/IP stack over memory: no root, no network, no dependency. Errors
// are values; .value() of a result that has none throws.
#include "rapport/device/loopback.hh"
#include "rapport/shard/driver.hh"
#include "rapport/shard/shard.hh"
#include "rapport/socket/coroutine/host.hh"

#include <array>
#include <cstdint>
#include <cstdio>
#include <string_view>

using namespace rapport;
using coroutine::Task;

const IpAddress kHere = IpAddress::v4(10, 0, 0, 1);
const std::array<uint8_t, 6> kHello{'h', 'e', 'l', 'l', 'o', '\n'};

Task<> serve(coroutine::Listener& port) {
  auto accepting = port.accept();
  auto stream = (co_await accepting).value();
  auto saying = stream.write(kHello);
  (void)(co_await saying).value();
}  // a stream that is destroyed closes

Task<> ask(coroutine::Host& host) {
  auto connecting = host.connect({kHere, 7});
  auto stream = (co_await connecting).value();
  std::array<uint8_t, kHello.size()> said{};
  auto reading = stream.read_exactly(said);
  (void)(co_await reading).value();
  std::fwrite(said.data(), 1, said.size(), stdout);
}

int main() {
  shard::Config config;
  config.stack.interfaces[0].addresses = {{kHere, 24}};
  auto shard = shard::Shard::make(config, device::Loopback::make().value()).value();
  coroutine::Host host(shard->stack(), shard->now());
  auto port = host.listen(7).value();
  host.spawn(serve(port));
  host.spawn(ask(host));
  shard::Driver(*shard, host).run();
}
