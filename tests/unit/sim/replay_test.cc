// Recordings: what was recorded is replayed to the same answers, frames and fingerprints; what is
// damaged or cut is told with its place.
#include "rapport/sim/record/replay.hh"

#include "rapport/base/address.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/sim/record/reader.hh"
#include "rapport/sim/record/recording.hh"
#include "rapport/sim/world.hh"
#include "rapport/socket/coroutine/host.hh"
#include "rapport/socket/coroutine/stream.hh"
#include "rapport/socket/coroutine/task.hh"
#include "rapport/stack/recording.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
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

tcp::Listen listen_at(uint16_t port) {
  tcp::Listen listen;
  listen.port = port;
  return listen;
}

struct Outcome {
  Replay::State state = Replay::State::Damaged;
  uint64_t inputs = 0, compared = 0;
  RecordingFault fault{};
  std::string difference{};
};

Outcome replay(std::span<const uint8_t> file) {
  auto reader = Reader::open(file);
  if (!reader) {
    const bool cut = reader.error().cut;
    return {.state = cut ? Replay::State::Cut : Replay::State::Damaged, .fault = reader.error()};
  }
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

// Declared in the wrong order: what is recorded ends after its recording, and closes its streams
// then.
TEST(Recording, MayEndBeforeItsWorld) {
  World world({.seed = 6});
  const HostId a = world.add_host(host_of("client", 1));
  const HostId b = world.add_host(host_of("server", 2));
  world.connect(a, b, {});
  world.host(b).spawn(serve(world, b));
  world.host(a).spawn(ask(world, a, {IpAddress::v4(10, 0, 0, 2), kPort}, 1'000'000));
  {
    Recording recording({.program = "test", .seed = 6, .asked = "a life that goes on"});
    world.record(recording);
    world.run_for(10_ms);
    const Outcome o = replay(recording.finish());
    EXPECT_EQ(o.state, Replay::State::Finished) << o.fault.what << o.difference;
    EXPECT_GT(o.inputs, 10U);
  }
  world.run_for(10_ms);
  world.crash(b);
  world.restart(b);
  Recording next({.program = "test", .seed = 6, .asked = "another one may follow"});
  world.record(next);
  world.run_for(10_ms);
  EXPECT_GT(next.inputs(), 0U);
}

TEST(Recording, MayEndBeforeOrAfterItsStack) {
  stack::Config config;
  config.interfaces[0].addresses = {{IpAddress::v4(10, 0, 0, 1), 24}};
  FramePool pool(16, stack::buffer_size(config));
  Recording later({.program = "test", .seed = 9, .asked = "later"});
  {
    stack::Stack stack(config, pool);
    {
      Recording sooner({.program = "test", .seed = 9, .asked = "sooner"});
      stack.record(&sooner.host(0, {.name = "alone"}));
      EXPECT_TRUE(stack.command(listen_at(80), {}).has_value());
      EXPECT_EQ(sooner.inputs(), 1U);
    }
    EXPECT_TRUE(stack.command(listen_at(81), {}).has_value());
    stack.record(&later.host(0, {.name = "alone"}));
    EXPECT_TRUE(stack.command(listen_at(82), {}).has_value());
  }
  EXPECT_EQ(later.inputs(), 1U);
}

TEST(Recording, ListensToOneStackAtATimeUnderEachNumber) {
  stack::Config config;
  config.interfaces[0].addresses = {{IpAddress::v4(10, 0, 0, 1), 24}};
  FramePool pool(16, stack::buffer_size(config));
  Recording recording({.program = "test", .seed = 9, .asked = "one, then another"});
  stack::Recorder& ear = recording.host(0, {.name = "changed"});
  stack::Stack second(config, pool);
  {
    stack::Stack first(config, pool);
    first.record(&ear);
    second.record(&ear);
    EXPECT_TRUE(first.command(listen_at(80), {}).has_value());
    EXPECT_EQ(recording.inputs(), 0U);
  }
  EXPECT_TRUE(second.command(listen_at(80), {}).has_value());
  EXPECT_EQ(recording.inputs(), 1U);
}

TEST(Replay, KnowsHowManyBuffersWereLeft) {
  const auto file = record_a_life(5, 8);  // hardly any: what is sent depends on what is on the way
  const Outcome o = replay(file);
  EXPECT_EQ(o.state, Replay::State::Finished) << o.fault.what << o.difference;
}

std::vector<uint8_t> small() {
  Recording recording({.program = "test", .seed = 9, .asked = "a small one"});
  World world({.seed = 9});
  const HostId a = world.add_host(host_of("client", 1));
  const HostId b = world.add_host(host_of("server", 2));
  world.record(recording);
  world.connect(a, b, {});
  world.host(b).spawn(serve(world, b));
  world.host(a).spawn(ask(world, a, {IpAddress::v4(10, 0, 0, 2), kPort}, 30));
  (void)world.run_until_idle(600_s);
  const auto octets = recording.finish();
  return {octets.begin(), octets.end()};
}

// What is wrong with the file; nothing when it can be read to its end.
std::optional<RecordingFault> fault_of(std::span<const uint8_t> file) {
  auto reader = Reader::open(file);
  if (!reader) return reader.error();
  for (;;) {
    const auto record = reader->next();
    if (!record) return record.error();
    if (std::holds_alternative<ReadEnd>(*record)) return std::nullopt;
  }
}

// Every so many of the file's places are replayed, too; it takes longer than reading.
constexpr size_t kStride = 101;

TEST(Replay, TellsOfEveryOctetThatIsNotAsItWas) {
  std::vector<uint8_t> file = small();
  ASSERT_EQ(replay(file).state, Replay::State::Finished);
  ASSERT_FALSE(fault_of(file));
  for (size_t i = 0; i < file.size(); ++i) {
    const auto change = static_cast<uint8_t>(1U << (i % 8));
    file[i] = static_cast<uint8_t>(file[i] ^ change);
    const auto fault = fault_of(file);
    ASSERT_TRUE(fault) << "octet " << i;
    EXPECT_FALSE(fault->what.empty());
    EXPECT_LE(fault->at, i);
    EXPECT_FALSE(fault->cut);
    if (i % kStride == 0) {
      EXPECT_EQ(replay(file).state, Replay::State::Damaged) << "octet " << i;
    }
    file[i] = static_cast<uint8_t>(file[i] ^ change);
  }
}

TEST(Replay, GoesAsFarAsACutFileDoes) {
  const std::vector<uint8_t> file = small();
  const uint64_t all = replay(file).inputs;
  uint64_t before = 0;
  for (size_t length = 0; length < file.size(); ++length) {
    const auto cut = std::span(file).first(length);
    const auto fault = fault_of(cut);
    ASSERT_TRUE(fault) << length;
    EXPECT_FALSE(fault->what.empty());
    EXPECT_LE(fault->at, length);
    if (length % kStride != 0 && length + 1 != file.size()) continue;
    const Outcome o = replay(cut);
    EXPECT_EQ(o.state, fault->cut ? Replay::State::Cut : Replay::State::Damaged) << length;
    EXPECT_GE(o.inputs, before);  // never less than of a shorter one
    before = o.inputs;
  }
  EXPECT_EQ(before, all);
}

TEST(Replay, RefusesAnotherVersion) {
  std::vector<uint8_t> file = small();
  file[8] = 2;
  const Outcome o = replay(file);
  EXPECT_EQ(o.fault.what, "it is of version 2; this program reads version 1");
  EXPECT_EQ(o.fault.at, 8U);
}

// The octets of a record may be whole and yet say what never was.
TEST(Replay, TellsWhatCameOtherwise) {
  Recording recording({.program = "test", .seed = 9, .asked = "a lie"});
  stack::Config config;
  config.interfaces[0].addresses = {{IpAddress::v4(10, 0, 0, 1), 24}};
  FramePool pool(16, stack::buffer_size(config));
  stack::Stack stack(config, pool);
  stack::Recorder& ear = recording.host(0, {.name = "liar"});
  ear.begins(stack, pool);
  ear.before(tcp::Close{Handle::make(1, 1)}, {});
  ear.after({Error::Reset, {}});
  const Outcome o = replay(recording.finish());
  EXPECT_EQ(o.state, Replay::State::Diverged);
  EXPECT_NE(o.difference.find("close on connection 1.1: recorded connection reset"),
            std::string::npos)
      << o.difference;
}

// Something happened that was not written down.
TEST(Replay, TellsOfAnotherFingerprint) {
  Recording recording({.program = "test", .seed = 9, .asked = "a secret"});
  stack::Config config;
  config.interfaces[0].addresses = {{IpAddress::v4(10, 0, 0, 1), 24}};
  FramePool pool(16, stack::buffer_size(config));
  stack::Stack stack(config, pool);
  stack.record(&recording.host(0, {.name = "forgetful"}));
  EXPECT_TRUE(stack.command(listen_at(80), {}).has_value());
  stack.record(nullptr);
  EXPECT_TRUE(stack.command(listen_at(81), {}).has_value());
  stack::Recorder& ear = recording.host(0, {.name = "forgetful"});
  ear.before(stack::Expiring{}, {});
  stack.expire({});
  ear.after({});
  const Outcome o = replay(recording.finish());
  EXPECT_EQ(o.state, Replay::State::Diverged);
  EXPECT_EQ(o.inputs, 2U);
  EXPECT_NE(o.difference.find("expire: recorded done, fingerprint"), std::string::npos)
      << o.difference;
}

TEST(Replay, OfAStackThatWasLentOctets) {
  Recording recording({.program = "test", .seed = 9, .asked = "lent"});
  stack::Config config;
  config.interfaces[0].addresses = {{IpAddress::v4(10, 0, 0, 1), 24}};
  FramePool pool(16, stack::buffer_size(config));
  stack::Stack stack(config, pool);
  stack.record(&recording.host(0, {.name = "alone"}));
  const Endpoint nobody{IpAddress::v4(10, 0, 0, 2), 80};
  tcp::Connect connect;
  connect.remote = nobody;
  const auto handle = stack.command(connect, {});
  ASSERT_TRUE(handle.has_value());
  {
    const std::vector<uint8_t> text(100, 0x62);
    EXPECT_TRUE(stack.command(tcp::SendBorrowed{*handle, text, 7}, {}).has_value());
    while (Frame frame = stack.next_frame()) frame.reset();
    EXPECT_TRUE(stack.command(tcp::Abort{*handle}, {}).has_value());
    stack.record(nullptr);
  }
  const auto octets = recording.finish();
  const Outcome o = replay(octets);
  EXPECT_EQ(o.state, Replay::State::Finished) << o.fault.what << o.difference;
  EXPECT_EQ(o.inputs, 3U);
}

}  // namespace
}  // namespace rapport::sim
