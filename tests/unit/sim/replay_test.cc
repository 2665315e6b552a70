// Recordings: what was recorded is replayed to the same answers, frames and fingerprints; what is
// damaged or cut is told with its place.
#include "rapport/sim/record/replay.hh"

#include "rapport/base/time.hh"
#include "rapport/sim/record/reader.hh"
#include "rapport/sim/record/recording.hh"
#include "rapport/sim/world.hh"
#include "rapport/socket/coroutine/host.hh"
#include "rapport/socket/coroutine/stream.hh"
#include "rapport/socket/coroutine/task.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::sim {
namespace {

using coroutine::Task;

constexpr uint16_t kPort = 80;

Task<> serve(World& world, HostId h) {
  auto listener = world.host(h).listen(kPort);
  if (!listener) co_return;
  for (;;) {
    auto accepting = listener->accept();
    auto stream = co_await accepting;
    if (!stream) co_return;
    std::array<uint8_t, 3000> buffer{};
    for (bool more = true; more;) {
      auto reading = stream->read(buffer);
      const auto octets = co_await reading;
      more = octets.has_value() && *octets > 0;
      if (!more) break;
      auto writing = stream->write(std::span(buffer).first(*octets));
      (void)co_await writing;
    }
    (void)stream->close();
  }
}

Task<> ask(World& world, HostId h, Endpoint to, size_t octets) {
  auto connecting = world.host(h).connect(to);
  auto stream = co_await connecting;
  if (!stream) co_return;
  const std::vector<uint8_t> text(octets, 0x61);
  auto writing = stream->write(text);
  (void)co_await writing;
  std::vector<uint8_t> back(octets);
  for (size_t got = 0; got < octets;) {
    auto reading = stream->read(back);
    const auto n = co_await reading;
    if (!n || *n == 0) break;
    got += *n;
  }
  (void)stream->close();
}

HostConfig host_of(const std::string& name, uint8_t number) {
  HostConfig c;
  c.name = name;
  c.stack.interfaces[0].addresses = {{IpAddress::v4(10, 0, 0, number), 24}};
  return c;
}

// A life with losses, doubles, a crash and a restart.
std::vector<uint8_t> record_a_life(uint64_t seed, uint32_t frames = 4096) {
  Recording recording({.program = "test", .seed = seed, .asked = "a life"});
  {
    World world({.seed = seed});
    HostConfig client = host_of("client", 1);
    client.frames = frames;
    const HostId a = world.add_host(client);
    world.record(recording);
    const HostId b = world.add_host(host_of("server", 2));
    LinkConfig link;
    link.faults = {.loss_ppm = 50'000, .duplicate_ppm = 50'000, .reorder_ppm = 50'000};
    world.connect(a, b, link);
    world.host(b).spawn(serve(world, b));
    const Endpoint server{IpAddress::v4(10, 0, 0, 2), kPort};
    for (size_t i = 1; i < 4; ++i) world.host(a).spawn(ask(world, a, server, 9000 * i));
    world.run_for(300_ms);
    world.crash(b);
    world.run_for(100_ms);
    world.restart(b);
    world.host(b).spawn(serve(world, b));
    world.host(a).spawn(ask(world, a, server, 100));
    (void)world.run_until_idle(600_s);
    (void)recording.finish();
  }
  const auto octets = recording.finish();
  return {octets.begin(), octets.end()};
}

struct Outcome {
  Replay::State state = Replay::State::Damaged;
  uint64_t inputs = 0, compared = 0;
  RecordingFault fault{};
  std::string difference{};
};

Outcome replay(std::span<const uint8_t> file) {
  auto reader = Reader::open(file);
  if (!reader) return {.fault = reader.error()};
  Replay r(std::move(*reader), {});
  while (r.next() == Replay::State::Going) {
  }
  const auto& d = r.divergence();
  return {r.state(), r.inputs(), r.compared(), r.fault(),
          d.asked.empty() ? "" : d.asked + ": recorded " + d.recorded + ", came " + d.came};
}

TEST(Replay, OfALifeWithFaultsAndACrashIsTheSame) {
  for (const uint64_t seed : {1ULL, 2ULL, 3ULL, 4ULL}) {
    const auto file = record_a_life(seed);
    const Outcome o = replay(file);
    EXPECT_EQ(o.state, Replay::State::Finished) << seed << ": " << o.fault.what << o.difference;
    EXPECT_GT(o.inputs, 100U);
    EXPECT_EQ(o.compared, o.inputs);
  }
}

TEST(Replay, KnowsHowManyBuffersWereLeft) {
  const auto file = record_a_life(5, 8);  // hardly any: what is sent depends on what is on the way
  const Outcome o = replay(file);
  EXPECT_EQ(o.state, Replay::State::Finished) << o.fault.what << o.difference;
}

}  // namespace
}  // namespace rapport::sim
