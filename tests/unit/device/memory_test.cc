// MemoryPair: order, bounds, and whose buffers the frames are.
#include "rapport/device/memory.hh"

#include "rapport/base/frame.hh"
#include "rapport/device/device.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include <gtest/gtest.h>

namespace rapport::device {
namespace {

Frame numbered(FramePool& pool, uint8_t number) {
  Frame f = pool.allocate(64);
  f.reshape(64, 100);
  f.data()[0] = number;
  f.serial = number;
  return f;
}

size_t take(MemoryEnd& end, FramePool& pool, std::span<Frame> into, BurstLimit limit = {}) {
  return end.receive(pool, into, limit);
}

TEST(MemoryPair, KeepsOrderAndReturnsBuffersToTheirPool) {
  FramePool pool(8, 256);
  FramePool other(1, 256);
  MemoryPair pair(4);
  {
    std::array<Frame, 3> burst{numbered(pool, 1), numbered(pool, 2), numbered(pool, 3)};
    EXPECT_EQ(pair.a().send(burst), 3U);
    EXPECT_FALSE(burst[0]);
  }
  EXPECT_EQ(pair.b().pending(), 3U);
  EXPECT_EQ(pair.a().pending(), 0U);
  {
    std::array<Frame, 8> got;
    EXPECT_EQ(take(pair.b(), other, got), 3U);
    for (uint8_t i = 0; i < 3; ++i) {
      EXPECT_EQ(got[i].data()[0], i + 1);
      EXPECT_EQ(got[i].serial, i + 1U);
      EXPECT_EQ(got[i].size(), 100U);
    }
    EXPECT_EQ(pool.in_use(), 3U);
    EXPECT_EQ(other.in_use(), 0U);
  }
  EXPECT_EQ(pool.in_use(), 0U);
  EXPECT_EQ(pair.b().counters().octets_in, 300U);
  EXPECT_EQ(pair.a().counters().octets_out, 300U);
}

TEST(MemoryPair, AFullRingLeavesTheRestWithTheCaller) {
  FramePool pool(8, 256);
  MemoryPair pair(4);
  std::array<Frame, 6> burst;
  for (uint8_t i = 0; i < 6; ++i) burst[i] = numbered(pool, i);
  EXPECT_EQ(pair.b().send(burst), 4U);
  EXPECT_EQ(pair.b().room(), 0U);
  EXPECT_TRUE(burst[4]);
  EXPECT_EQ(pair.b().counters().waits_for_room, 1U);
  std::array<Frame, 2> got;
  EXPECT_EQ(take(pair.a(), pool, got), 2U);
  EXPECT_EQ(pair.b().send(std::span(burst).subspan(4)), 2U);
  std::array<Frame, 8> rest;
  EXPECT_EQ(take(pair.a(), pool, rest), 4U);
  EXPECT_EQ(rest[3].data()[0], 5);
  EXPECT_EQ(pair.b().counters().frames_out, 6U);
}

TEST(MemoryPair, ABurstEndsAfterTheFrameThatReachesTheLimit) {
  FramePool pool(8, 256);
  MemoryPair pair(8);
  std::array<Frame, 5> burst;
  for (uint8_t i = 0; i < 5; ++i) burst[i] = numbered(pool, i);
  EXPECT_EQ(pair.a().send(burst), 5U);
  std::array<Frame, 8> got;
  EXPECT_EQ(take(pair.b(), pool, got, {.headroom = 0, .octets = 150}), 2U);
  EXPECT_EQ(pair.b().pending(), 3U);
}

TEST(MemoryPair, RunsRoundItsRingManyTimes) {
  FramePool pool(4, 256);
  MemoryPair pair(3);  // four in truth
  for (uint32_t i = 0; i < 1000; ++i) {
    std::array<Frame, 1> one{numbered(pool, static_cast<uint8_t>(i))};
    ASSERT_EQ(pair.a().send(one), 1U);
    std::array<Frame, 1> got;
    ASSERT_EQ(take(pair.b(), pool, got), 1U);
    ASSERT_EQ(got[0].data()[0], static_cast<uint8_t>(i));
  }
  EXPECT_EQ(pool.in_use(), 0U);
}

}  // namespace
}  // namespace rapport::device
