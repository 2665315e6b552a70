// Loopback: order, bounds, and a descriptor that is readable exactly while a frame is there.
#include "rapport/device/loopback.hh"

#include "rapport/base/frame.hh"
#include "rapport/device/device.hh"

#include <array>
#include <cstdint>
#include <span>

#include <gtest/gtest.h>
#include <poll.h>

namespace rapport::device {
namespace {

Frame numbered(FramePool& pool, uint8_t number) {
  Frame f = pool.allocate(64);
  f.reshape(64, 100);
  f.data()[0] = number;
  return f;
}

bool is_readable(const Device& device) {
  pollfd p{device.fd(), POLLIN, 0};
  return ::poll(&p, 1, 0) == 1;
}

TEST(Loopback, HandsBackWhatItIsGivenInOrder) {
  FramePool pool(8, 256);
  const auto device = Loopback::make(4);
  ASSERT_TRUE(device.has_value());
  Device& d = **device;
  EXPECT_FALSE(is_readable(d));
  std::array<Frame, 3> burst{numbered(pool, 1), numbered(pool, 2), numbered(pool, 3)};
  EXPECT_EQ(d.send(burst), 3U);
  EXPECT_FALSE(burst[0]);
  EXPECT_TRUE(is_readable(d));
  std::array<Frame, 2> got;
  EXPECT_EQ(d.receive(pool, got, {}), 2U);
  EXPECT_EQ(got[0].data()[0], 1);
  EXPECT_EQ(got[1].data()[0], 2);
  EXPECT_TRUE(is_readable(d)) << "the third is still there";
  EXPECT_EQ(d.receive(pool, got, {}), 1U);
  EXPECT_EQ(got[0].data()[0], 3);
  EXPECT_FALSE(is_readable(d));
  EXPECT_EQ(d.receive(pool, got, {}), 0U);
  EXPECT_EQ(d.counters().octets_out, 300U);
  EXPECT_EQ(d.counters().octets_in, 300U);
}

TEST(Loopback, AFullRingLeavesTheRestWithTheCaller) {
  FramePool pool(8, 256);
  const auto device = Loopback::make(2);
  ASSERT_TRUE(device.has_value());
  std::array<Frame, 3> burst{numbered(pool, 1), numbered(pool, 2), numbered(pool, 3)};
  EXPECT_EQ((*device)->send(burst), 2U);
  EXPECT_TRUE(burst[2]);
  EXPECT_EQ((*device)->counters().waits_for_room, 1U);
  std::array<Frame, 3> got;
  EXPECT_EQ((*device)->receive(pool, got, {.octets = 100}), 1U) << "the limit is reached";
  EXPECT_EQ((*device)->send(std::span(burst).last(1)), 1U);
  EXPECT_TRUE(is_readable(**device));
  EXPECT_EQ((*device)->receive(pool, got, {}), 2U);
  EXPECT_FALSE(is_readable(**device));
}

}  // namespace
}  // namespace rapport::device
