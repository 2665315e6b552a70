// PacketFd over a socket pair that keeps packets apart: bursts, bounds, a full queue, a lost end.
#include "rapport/device/packet_fd.hh"

#include "rapport/base/frame.hh"
#include "rapport/device/descriptor.hh"
#include "rapport/device/device.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace rapport::device {
namespace {

struct Pair {
  Pair() {
    std::array<int, 2> fds{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds.data()) == 0) {
      ours = Descriptor(fds[0]);
      theirs = Descriptor(fds[1]);
    }
  }

  Descriptor ours, theirs;
};

Frame packet(FramePool& pool, size_t length, uint8_t first) {
  Frame f = pool.allocate(64);
  f.reshape(64, length);
  std::memset(f.data(), 0, length);
  f.data()[0] = first;
  return f;
}

TEST(PacketFd, ReadsABurstInOrderAndStopsWhenNothingIsThere) {
  Pair pair;
  FramePool pool(64, 2048);
  PacketFd device(std::move(pair.ours));
  for (uint8_t i = 0; i < 5; ++i) {
    const std::array<uint8_t, 3> bytes{i, 7, 9};
    ASSERT_EQ(::write(pair.theirs.get(), bytes.data(), bytes.size()), 3);
  }
  std::array<Frame, 8> burst;
  ASSERT_EQ(device.receive(pool, burst, {}), 5U);
  for (uint8_t i = 0; i < 5; ++i) {
    EXPECT_EQ(burst.at(i).size(), 3U);
    EXPECT_EQ(burst.at(i).data()[0], i);
    EXPECT_EQ(burst.at(i).headroom(), 64U);
  }
  EXPECT_FALSE(burst[5]);
  EXPECT_EQ(pool.in_use(), 5U);
  EXPECT_EQ(device.receive(pool, std::span(burst).subspan(5), {}), 0U);
  EXPECT_EQ(device.counters().frames_in, 5U);
  EXPECT_EQ(device.counters().octets_in, 15U);
  EXPECT_EQ(device.counters().read_errors, 0U);
}

TEST(PacketFd, ABurstIsBoundedInFramesAndInOctets) {
  Pair pair;
  FramePool pool(64, 2048);
  PacketFd device(std::move(pair.ours));
  const std::vector<uint8_t> bytes(1000, 1);
  for (int i = 0; i < 6; ++i) {
    ASSERT_EQ(::write(pair.theirs.get(), bytes.data(), bytes.size()), 1000);
  }
  std::array<Frame, 8> burst;
  EXPECT_EQ(device.receive(pool, burst, {.headroom = 0, .octets = 1500}), 2U);
  EXPECT_EQ(device.receive(pool, std::span(burst).subspan(2, 3), {}), 3U);
  EXPECT_EQ(device.receive(pool, std::span(burst).subspan(5), {}), 1U);
}

TEST(PacketFd, AnExhaustedPoolLeavesPacketsInTheKernel) {
  Pair pair;
  FramePool pool(2, 2048);
  PacketFd device(std::move(pair.ours));
  const std::array<uint8_t, 1> byte{1};
  for (int i = 0; i < 3; ++i) ASSERT_EQ(::write(pair.theirs.get(), byte.data(), 1), 1);
  std::array<Frame, 8> burst;
  EXPECT_EQ(device.receive(pool, burst, {}), 2U);
  EXPECT_EQ(device.counters().starved, 1U);
  burst[0].reset();
  EXPECT_EQ(device.receive(pool, std::span(burst).subspan(2), {}), 1U);
}

TEST(PacketFd, AFullQueueKeepsTheFrameWithTheCaller) {
  Pair pair;
  FramePool pool(4096, 2048);
  const int small = 4096;
  (void)::setsockopt(pair.ours.get(), SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
  PacketFd device(std::move(pair.ours));
  size_t sent = 0;
  std::array<Frame, 1> one;
  for (int i = 0; i < 1000; ++i) {
    one[0] = packet(pool, 1000, static_cast<uint8_t>(i));
    if (device.send(one) == 0) break;
    EXPECT_FALSE(one[0]) << "a frame that was taken is left empty";
    ++sent;
  }
  ASSERT_LT(sent, 1000U);
  ASSERT_GT(sent, 0U);
  EXPECT_TRUE(one[0]);
  EXPECT_EQ(device.counters().waits_for_room, 1U);
  std::array<uint8_t, 2048> buffer{};
  for (size_t i = 0; i < sent; ++i) {
    ASSERT_EQ(::read(pair.theirs.get(), buffer.data(), buffer.size()), 1000);
    EXPECT_EQ(buffer[0], static_cast<uint8_t>(i));
  }
  EXPECT_EQ(device.send(one), 1U);
  ASSERT_EQ(::read(pair.theirs.get(), buffer.data(), buffer.size()), 1000);
  EXPECT_EQ(buffer[0], static_cast<uint8_t>(sent));
  EXPECT_EQ(pool.in_use(), 0U);
}

TEST(PacketFd, AClosedOtherEndIsGoneForGood) {
  Pair pair;
  FramePool pool(8, 2048);
  PacketFd device(std::move(pair.ours));
  EXPECT_FALSE(device.gone());
  pair.theirs.reset();
  std::array<Frame, 2> burst;
  EXPECT_EQ(device.receive(pool, burst, {}), 0U);
  EXPECT_TRUE(device.gone());
  burst[0] = packet(pool, 10, 1);
  EXPECT_EQ(device.send(std::span(burst).first(1)), 1U) << "lost, not kept";
  EXPECT_EQ(device.counters().write_errors, 1U);
  EXPECT_EQ(pool.in_use(), 0U);
}

}  // namespace
}  // namespace rapport::device
