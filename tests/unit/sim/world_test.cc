// Worlds: determinism, bursts, mishaps, records. Two hosts with real stacks.
#include "rapport/sim/world.hh"

#include "rapport/base/address.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/sim/craft.hh"
#include "rapport/sim/link.hh"
#include "rapport/socket/coroutine/host.hh"
#include "rapport/socket/coroutine/opening.hh"
#include "rapport/socket/coroutine/stream.hh"
#include "rapport/socket/coroutine/task.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::sim {
namespace {

using coroutine::Host;
using coroutine::Task;

const Endpoint kServer{IpAddress::v4(10, 0, 0, 2), 80};

void add_two_hosts(World& world, const LinkConfig& link) {
  for (uint8_t i = 1; i <= 2; ++i) {
    HostConfig host;
    host.name = i == 1 ? "client" : "server";
    host.stack.interfaces[0].addresses = {{IpAddress::v4(10, 0, 0, i), 24}};
    world.add_host(host);
  }
  world.connect(0, 1, link);
}

Task<> sinks(Host& host, size_t& sum) {
  auto listener = host.listen(kServer.port);
  if (!listener) co_return;
  while (true) {
    auto accepting = listener->accept();
    auto stream = co_await accepting;
    if (!stream) co_return;
    std::vector<uint8_t> buffer(5000);
    while (true) {
      auto reading = stream->read(buffer);
      const auto got = co_await reading;
      if (!got || *got == 0) break;
      sum += *got;
    }
  }
}

Task<> sends(Host& host, size_t octets, bool& connected) {
  auto connecting = host.connect(kServer);
  auto stream = co_await connecting;
  if (!stream) co_return;
  connected = true;
  const std::vector<uint8_t> text(octets, 7);
  auto writing = stream->write(text);
  (void)co_await writing;
  std::ignore = stream->shutdown();
  auto closing = stream->closed();
  (void)co_await closing;
}

struct Outcome {
  size_t received = 0;
  bool connected = false;
  std::vector<HostRecord> records;
  std::vector<WireRecord> wires;
};

Outcome run(WorldConfig config, const LinkConfig& link, size_t octets) {
  Outcome result;
  World world(config);
  add_two_hosts(world, link);
  world.host(1).spawn(sinks(world.host(1), result.received));
  world.host(0).spawn(sends(world.host(0), octets, result.connected));
  world.run_for(300_s);
  result.records.assign(world.records().begin(), world.records().end());
  result.wires.assign(world.wires().begin(), world.wires().end());
  return result;
}

bool same(const HostRecord& a, const HostRecord& b) {
  const size_t tail = a.record.header.tail_length;
  return a.host == b.host && a.order == b.order && a.record.header.at == b.record.header.at
         && a.record.header.kind == b.record.header.kind && tail == b.record.header.tail_length
         && std::memcmp(a.record.tail, b.record.tail, tail) == 0;
}

LinkConfig rough() {
  LinkConfig link;
  link.delay = 8_ms;
  link.bits_per_second = 20'000'000;
  link.faults.loss_ppm = 50'000;
  link.faults.duplicate_ppm = 20'000;
  link.faults.reorder_ppm = 30'000;
  link.faults.corrupt_ppm = 10'000;
  link.faults.jitter = 3_ms;
  return link;
}

TEST(World, TheSameSeedIsTheSameLifeToTheLastOctet) {
  const Outcome a = run({.seed = 5}, rough(), 100'000);
  const Outcome b = run({.seed = 5}, rough(), 100'000);
  const Outcome c = run({.seed = 6}, rough(), 100'000);
  EXPECT_EQ(a.received, 100'000U);
  ASSERT_EQ(a.records.size(), b.records.size());
  EXPECT_TRUE(std::ranges::equal(a.records, b.records, same));
  EXPECT_FALSE(std::ranges::equal(a.records, c.records, same));
  EXPECT_EQ(a.wires.size(), b.wires.size());
}

TEST(World, RecordsAreInOrderOfTimeAndNumber) {
  const Outcome a = run({.seed = 5}, rough(), 50'000);
  ASSERT_FALSE(a.records.empty());
  for (size_t i = 0; i < a.records.size(); ++i) {
    EXPECT_EQ(a.records[i].order, i);
    const size_t before = i > 0 ? i - 1 : 0;
    EXPECT_GE(a.records[i].record.header.at, a.records[before].record.header.at);
  }
}

// The wire's record of this segment: where it left, or where it arrived.
bool is_joined(const HostRecord& r, const std::vector<WireRecord>& wires) {
  const auto s = r.record.as<TraceSegment>();
  const bool sent = static_cast<Direction>(s.direction) == Direction::Sent;
  return std::ranges::any_of(wires, [&](const WireRecord& w) {
    if (w.serial != s.serial) return false;
    return sent ? w.from_host == r.host && w.sent == r.record.header.at
                : w.to_host == r.host && w.arrived == r.record.header.at;
  });
}

// What a ladder needs: every sent segment has a wire record, and every received one has its
// sender's.
TEST(World, WireRecordsJoinBothEnds) {
  const Outcome a = run({.seed = 9}, rough(), 200'000);
  EXPECT_TRUE(std::ranges::all_of(a.records, [&](const HostRecord& r) {
    return r.record.header.kind != TraceKind::Segment || is_joined(r, a.wires);
  }));
  EXPECT_TRUE(std::ranges::all_of(
      a.wires, [](const WireRecord& w) { return w.has_arrived() == (w.fate != Fate::Lost); }));
  for (const Fate f : {Fate::Lost, Fate::Duplicated, Fate::Corrupted}) {
    EXPECT_GT(std::ranges::count(a.wires, f, &WireRecord::fate), 0) << name(f);
  }
}

TEST(World, BurstsCarryTheSameTextWithFewerAcks) {
  LinkConfig link;
  link.delay = 5_ms;
  const Outcome one = run({.seed = 3, .bursts = Bursts::One}, link, 500'000);
  const Outcome many = run({.seed = 3, .bursts = Bursts::SameTime}, link, 500'000);
  EXPECT_EQ(one.received, 500'000U);
  EXPECT_EQ(many.received, 500'000U);
  EXPECT_LT(many.wires.size(), one.wires.size());
}

TEST(World, APartitionHoldsUntilItIsMended) {
  size_t received = 0;
  bool connected = false;
  World world({.seed = 2});
  add_two_hosts(world, {});
  world.host(1).spawn(sinks(world.host(1), received));
  world.partition(0, 1, true);
  world.host(0).spawn(sends(world.host(0), 1000, connected));
  world.run_for(10_s);
  EXPECT_FALSE(connected);
  EXPECT_TRUE(std::ranges::all_of(world.wires(), [](const WireRecord& w) {
    return w.fate == Fate::Partitioned && !w.has_arrived();
  }));
  world.partition(0, 1, false);
  world.run_for(60_s);
  EXPECT_TRUE(connected);
  EXPECT_EQ(received, 1000U);
}

TEST(World, ACrashedHostHearsNothingAndForgetsAll) {
  size_t received = 0;
  bool connected = false;
  World world({.seed = 2});
  add_two_hosts(world, {});
  world.host(1).spawn(sinks(world.host(1), received));
  world.host(0).spawn(sends(world.host(0), 1'000'000, connected));
  world.run_for(3_ms);
  EXPECT_TRUE(connected);
  world.crash(1);
  EXPECT_FALSE(world.is_up(1));
  world.run_for(1_s);
  EXPECT_TRUE(std::ranges::any_of(world.wires(),
                                  [](const WireRecord& w) { return w.fate == Fate::HostDown; }));
  EXPECT_EQ(world.stack(0).population().connections, 1U);
  world.restart(1);
  EXPECT_EQ(world.stack(1).population().listeners, 0U);
  world.run_for(60_s);  // the next retransmission meets nobody and draws an RST
  EXPECT_EQ(world.stack(0).population().connections, 0U);
  EXPECT_EQ(world.host(0).running(), 0U);
}

TEST(World, AnInjectedSegmentArrivesAsIfSent) {
  World world({.seed = 2});
  add_two_hosts(world, {});
  const auto stray = craft_segment({IpAddress::v4(10, 0, 0, 1), 5000}, kServer,
                                   {.seq = Seq{77}, .ack = Seq{99}, .flags = wire::kAck});
  world.inject(0, 1, stray, Instant{} + 5_ms);
  world.run_for(4_ms);
  EXPECT_EQ(world.stack(1).counters().segments_received, 0U);
  world.run_for(2_ms);
  EXPECT_EQ(world.stack(1).counters().segments_received, 1U);
  EXPECT_EQ(world.stack(1).counters().resets_sent, 1U);  // RFC 9293 3.10.7.1
  ASSERT_EQ(world.wires().size(), 2U);
  EXPECT_EQ(world.wires()[0].fate, Fate::Injected);
  EXPECT_EQ(world.wires()[0].arrived, Instant{} + 5_ms);
}

TEST(World, AnObserverMayEndBeforeOrAfterIt) {
  struct Counter final : Observer {
    void settled(Instant) override { ++times; }

    uint32_t times = 0;
  };

  Counter patient;
  {
    World world({.seed = 2});
    world.observe(patient);
    {
      Counter brief;
      world.observe(brief);
      world.run_for(1_ms);
      EXPECT_GT(brief.times, 0U);
      EXPECT_EQ(brief.times, patient.times);
      const Counter copy = brief;  // ends before, and is nobody's
      EXPECT_EQ(copy.times, brief.times);
    }
    const uint32_t before = patient.times;
    world.run_for(1_ms);
    EXPECT_GT(patient.times, before);
  }
  World next({.seed = 2});  // a world later
  next.observe(patient);
}

TEST(World, WhatBelongsToNobodyIsLost) {
  World world({.seed = 2});
  add_two_hosts(world, {});
  const auto connects = [](Host& h) -> Task<> {
    auto connecting = h.connect({IpAddress::v4(10, 0, 0, 77), 80});
    (void)co_await connecting;
  };
  world.host(0).spawn(connects(world.host(0)));
  world.run_for(500_ms);
  ASSERT_EQ(world.wires().size(), 1U);
  EXPECT_EQ(world.wires()[0].fate, Fate::NoSuchHost);
  EXPECT_EQ(world.wires()[0].to_host, kNoHost);
}

}  // namespace
}  // namespace rapport::sim
