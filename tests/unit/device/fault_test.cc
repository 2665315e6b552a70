// Fault over a socket pair: what the plan says happens to packets of both directions, in real time,
// and its descriptor wakes the loop for them. Times are only ever bounded from below.
#include "rapport/device/fault.hh"

#include "rapport/base/faults.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/time.hh"
#include "rapport/device/descriptor.hh"
#include "rapport/device/device.hh"
#include "rapport/device/packet_fd.hh"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace rapport::device {
namespace {

class Degraded : public testing::Test {
 protected:
  void begin(const FaultSettings& settings) {
    std::array<int, 2> fds{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds.data()), 0);
    theirs = Descriptor(fds[1]);
    auto made = Fault::make(std::make_unique<PacketFd>(Descriptor(fds[0])), settings);
    ASSERT_TRUE(made.has_value());
    fault = std::move(*made);
  }

  Frame numbered(uint8_t number) {
    Frame f = pool.allocate(64);
    f.reshape(64, 100);
    std::memset(f.data(), 0, 100);
    f.data()[0] = number;
    return f;
  }

  void they_send(uint8_t number) {
    std::array<uint8_t, 100> packet{number};
    ASSERT_EQ(::write(theirs.get(), packet.data(), packet.size()), 100);
  }

  // The numbers of what comes to us, until nothing has come for so long.
  std::vector<uint8_t> we_hear(int patience_ms) {
    std::vector<uint8_t> numbers;
    pollfd waiting{fault->fd(), POLLIN, 0};
    while (::poll(&waiting, 1, patience_ms) == 1) {
      std::array<Frame, 8> burst;
      const size_t n = fault->receive(pool, burst, {});
      for (const Frame& frame : std::span(burst).first(n)) numbers.push_back(frame.data()[0]);
    }
    return numbers;
  }

  std::vector<uint8_t> they_hear() {
    std::vector<uint8_t> numbers;
    std::array<uint8_t, 256> packet{};
    while (::read(theirs.get(), packet.data(), packet.size()) > 0) numbers.push_back(packet[0]);
    return numbers;
  }

  FramePool pool{4096, 2048};
  Descriptor theirs;
  std::unique_ptr<Fault> fault;
};

using Numbers = std::vector<uint8_t>;

FaultSettings scripted(std::vector<ScriptedFault> in, std::vector<ScriptedFault> out) {
  FaultSettings settings;
  settings.in.script = std::move(in);
  settings.out.script = std::move(out);
  return settings;
}

TEST_F(Degraded, WithoutFaultsEverythingPassesInOrder) {
  begin({});
  for (uint8_t i = 0; i < 100; ++i) they_send(i);
  std::array<Frame, 100> burst;
  for (uint8_t i = 0; i < 100; ++i) burst.at(i) = numbered(i);
  EXPECT_EQ(fault->send(burst), 100U);
  const Numbers theirs_now = they_hear();
  const Numbers ours = we_hear(20);
  ASSERT_EQ(theirs_now.size(), 100U);
  ASSERT_EQ(ours.size(), 100U);
  for (uint8_t i = 0; i < 100; ++i) {
    EXPECT_EQ(theirs_now.at(i), i);
    EXPECT_EQ(ours.at(i), i);
  }
  EXPECT_EQ(fault->counters().frames_in, 100U);
  EXPECT_EQ(fault->counters().frames_out, 100U);
}

TEST_F(Degraded, LosesDoublesAndDelaysBothWays) {
  const std::vector<ScriptedFault> script{{.packet = 1, .kind = FaultKind::Lose},
                                          {.packet = 2, .kind = FaultKind::Duplicate},
                                          {.packet = 3, .kind = FaultKind::Reorder, .by = 30_ms}};
  begin(scripted(script, script));
  for (uint8_t i = 1; i <= 4; ++i) they_send(i);
  std::array<Frame, 4> burst{numbered(1), numbered(2), numbered(3), numbered(4)};
  EXPECT_EQ(fault->send(burst), 4U);
  EXPECT_EQ(they_hear(), (Numbers{2, 2, 4}));
  EXPECT_EQ(we_hear(200), (Numbers{2, 2, 4, 3}));
  EXPECT_EQ(they_hear(), (Numbers{3})) << "the descriptor woke us for it";
  EXPECT_EQ(fault->in()[FaultKind::Lose], 1U);
  EXPECT_EQ(fault->out()[FaultKind::Duplicate], 1U);
  EXPECT_EQ(fault->out()[FaultKind::Reorder], 1U);
  EXPECT_EQ(fault->counters().lost_by_faults, 2U);
}

TEST_F(Degraded, DamagesOneBit) {
  begin(scripted({{.packet = 1, .kind = FaultKind::Corrupt, .octet = 0}}, {}));
  they_send(0);
  const Numbers heard = we_hear(20);
  ASSERT_EQ(heard.size(), 1U);
  EXPECT_EQ(__builtin_popcount(heard.front()), 1);
}

TEST_F(Degraded, HoldsEveryPacketForItsDelay) {
  FaultSettings settings;
  settings.in.delay = 30_ms;
  begin(settings);
  const auto before = std::chrono::steady_clock::now();
  they_send(1);
  they_send(2);
  EXPECT_EQ(we_hear(500), (Numbers{1, 2}));
  // we_hear() ends half a second after the last one
  EXPECT_GE(std::chrono::steady_clock::now() - before, std::chrono::milliseconds(530));
}

TEST_F(Degraded, TheSameSeedLosesTheSamePackets) {
  std::set<Numbers> outcomes;
  for (const uint64_t seed : {7ULL, 7ULL, 8ULL}) {
    FaultSettings settings;
    settings.out.loss_ppm = 200'000;
    settings.seed = seed;
    begin(settings);
    for (uint8_t i = 0; i < 100; ++i) {
      Frame f = numbered(i);
      EXPECT_EQ(fault->send({&f, 1}), 1U);
      EXPECT_FALSE(f) << "a frame that was taken is left empty";
    }
    outcomes.insert(they_hear());
    EXPECT_EQ(they_hear().size(), 0U);
    EXPECT_GT(fault->out()[FaultKind::Lose], 5U);
  }
  EXPECT_EQ(outcomes.size(), 2U);
}

TEST_F(Degraded, WhatIsTooMuchToHoldIsLostAndCounted) {
  FaultSettings settings;
  settings.out.delay = 1_s;
  begin(settings);
  for (size_t i = 0; i < Fault::kMostHeld + 5; ++i) {
    Frame f = numbered(1);
    EXPECT_EQ(fault->send({&f, 1}), 1U);
  }
  EXPECT_EQ(fault->overflows(), 5U);
  EXPECT_EQ(pool.in_use(), Fault::kMostHeld);
  fault.reset();
  EXPECT_EQ(pool.in_use(), 0U);
}

TEST_F(Degraded, AFullDeviceGetsTheRestLaterInOrder) {
  std::array<int, 2> fds{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds.data()), 0);
  const int small = 4096;
  (void)::setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
  theirs = Descriptor(fds[1]);
  fault = std::move(*Fault::make(std::make_unique<PacketFd>(Descriptor(fds[0])), {}));
  for (uint8_t i = 0; i < 100; ++i) {
    Frame f = numbered(i);
    EXPECT_EQ(fault->send({&f, 1}), 1U);
  }
  Numbers heard = they_hear();
  ASSERT_LT(heard.size(), 100U) << "the queue was meant to fill";
  while (heard.size() < 100) {
    pollfd waiting{fault->fd(), POLLIN, 0};
    ASSERT_EQ(::poll(&waiting, 1, 1000), 1) << "nobody says that there is room again";
    std::array<Frame, 8> none;
    EXPECT_EQ(fault->receive(pool, none, {}), 0U);
    const Numbers more = they_hear();
    heard.insert(heard.end(), more.begin(), more.end());
  }
  for (uint8_t i = 0; i < 100; ++i) EXPECT_EQ(heard.at(i), i);
}

TEST_F(Degraded, ADeviceThatIsGoneDoesNotKeepTheLoopAwake) {
  begin({});
  theirs.reset();
  std::array<Frame, 8> none;
  EXPECT_EQ(fault->receive(pool, none, {}), 0U);
  EXPECT_TRUE(fault->gone());
  pollfd waiting{fault->fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&waiting, 1, 10), 0);
}

TEST(FaultText, NamesSharesTimesAndDirections) {
  const auto s = parse_faults(
      "loss=2%,out-loss=0.5%,in-delay=20ms,jitter=500us,reorder=1%,"
      "reorder-delay=1s,corrupt=100%,duplicate=0%,seed=7");
  ASSERT_TRUE(s.has_value()) << s.error();
  EXPECT_EQ(s->in.loss_ppm, 20'000U);
  EXPECT_EQ(s->out.loss_ppm, 5'000U);
  EXPECT_EQ(s->in.delay, 20_ms);
  EXPECT_EQ(s->out.delay, Duration{});
  EXPECT_EQ(s->out.jitter, 500_us);
  EXPECT_EQ(s->in.reorder_ppm, 10'000U);
  EXPECT_EQ(s->in.reorder_delay, 1_s);
  EXPECT_EQ(s->out.corrupt_ppm, 1'000'000U);
  EXPECT_EQ(s->seed, 7U);
}

TEST(FaultText, SaysWhatIsWrong) {
  const std::vector<std::pair<std::string_view, std::string_view>> cases{
      {"", "name=value"},
      {"loss", "name=value"},
      {"loss=", "name=value"},
      {"loss=2%,", "name=value"},
      {"loss=2", "a share"},
      {"loss=101%", "a share"},
      {"loss=-1%", "a share"},
      {"loss=x%", "a share"},
      {"loss=nan%", "a share"},
      {"delay=20", "a time"},
      {"delay=61s", "a time"},
      {"delay=-1s", "a time"},
      {"seed=-1", "whole"},
      {"seed=1.5", "whole"},
      {"speed=1%", "there is no 'speed'"},
      {"in-seed=1", "there is no 'seed'"}};
  for (const auto& [text, word] : cases) {
    const auto s = parse_faults(text);
    ASSERT_FALSE(s.has_value()) << text;
    EXPECT_NE(s.error().find(word), std::string::npos) << text << ": " << s.error();
  }
}

}  // namespace
}  // namespace rapport::device
