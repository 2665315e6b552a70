// Two hosts in one process, in virtual time: one serves, one asks, both part by the book. No root,
// no network, no waiting; the same seed gives the same life on every run.
#include "rapport/sim/world.hh"

#include <array>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string_view>

using namespace rapport;
using coroutine::Task;

// Octets of a text, as streams take them.
std::span<const uint8_t> octets(std::string_view s) {
  return {reinterpret_cast<const uint8_t*>(s.data()), s.size()};
}

void say(std::string_view what, std::string_view it) {
  std::printf("%.*s: %.*s\n", static_cast<int>(what.size()), what.data(),
              static_cast<int>(it.size()), it.data());
}

Task<> serve(coroutine::Host& host) {
  auto listener = host.listen(80);
  if (!listener) co_return;
  auto accepting = listener->accept();
  auto stream = co_await accepting;
  if (!stream) co_return;
  std::array<uint8_t, 64> buffer{};
  auto reading = stream->read(buffer);
  const auto n = co_await reading;
  if (!n) co_return;
  auto writing = stream->write(std::span(buffer).first(*n));
  (void)co_await writing;
}  // a stream that is destroyed closes

Task<> ask(coroutine::Host& host, Endpoint server) {
  auto connecting = host.connect(server);
  auto stream = co_await connecting;
  if (!stream) co_return say("no connection", name(stream.error()));
  auto writing = stream->write(octets("hello"));
  (void)co_await writing;
  std::array<uint8_t, 64> buffer{};
  auto reading = stream->read(buffer);
  const auto n = co_await reading;
  if (!n) co_return say("no answer", name(n.error()));
  say("the answer", {reinterpret_cast<const char*>(buffer.data()), *n});
}

int main() {
  const IpAddress a = IpAddress::v4(10, 0, 0, 1);
  const IpAddress b = IpAddress::v4(10, 0, 0, 2);
  sim::World world({.seed = 7});
  const auto client =
      world.add_host({.name = "client", .stack = {.interfaces = {{.addresses = {{a, 24}}}}}});
  const auto server =
      world.add_host({.name = "server", .stack = {.interfaces = {{.addresses = {{b, 24}}}}}});
  world.connect(client, server, {.delay = 10_ms});
  world.host(server).spawn(serve(world.host(server)));
  world.host(client).spawn(ask(world.host(client), {b, 80}));
  const bool ended = world.run_until_idle(300_s);  // 2MSL and all
  std::printf("idle at %lld ms of virtual time\n",
              static_cast<long long>(world.now().ns / 1'000'000));
  return ended ? 0 : 1;
}
