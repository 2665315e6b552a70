// Frame and FramePool: handles, headroom, exhaustion, the order of reuse.
#include "rapport/base/frame.hh"

#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace rapport {
namespace {

TEST(Frame, an_empty_handle_is_false) {
  const Frame none;
  EXPECT_FALSE(none);
}

TEST(Frame, grows_and_shrinks_at_the_front) {
  FramePool pool(4, 2000);
  EXPECT_EQ(pool.buffer_size(), 2048U);  // 2000 rounded up to whole lines of 64
  Frame f = pool.allocate(100);
  ASSERT_TRUE(f);
  EXPECT_EQ(f.size(), 0U);
  EXPECT_EQ(f.headroom(), 100U);
  f.reshape(100, 10);
  EXPECT_EQ(f.tailroom(), pool.buffer_size() - 110);
  std::memset(f.data(), 7, 10);
  uint8_t* front = f.push_front(20);
  EXPECT_EQ(front, f.data());
  EXPECT_EQ(f.size(), 30U);
  EXPECT_EQ(f.headroom(), 80U);
  EXPECT_EQ(f.bytes()[20], 7);
  f.pop_front(25);
  EXPECT_EQ(f.size(), 5U);
  EXPECT_EQ(f.headroom(), 105U);
  EXPECT_EQ(std::as_const(f).bytes()[4], 7);
}

TEST(Frame, begins_at_a_cache_line) {
  FramePool pool(4, 1500);
  for (int i = 0; i < 4; ++i) {
    const Frame f = pool.allocate(0);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(f.data()) % 64, 0U);
  }
}

TEST(Frame, moving_hands_the_buffer_on) {
  FramePool pool(4, 256);
  Frame a = pool.allocate(10);
  a.reshape(10, 5);
  a.serial = 77;
  const uint8_t* where = a.data();
  Frame b = std::move(a);
  EXPECT_FALSE(a);  // NOLINT(bugprone-use-after-move): empty after a move is the promise
  EXPECT_EQ(b.data(), where);
  EXPECT_EQ(b.size(), 5U);
  EXPECT_EQ(b.serial, 77U);
  EXPECT_EQ(pool.in_use(), 1U);
  Frame c = pool.allocate(0);
  EXPECT_EQ(pool.in_use(), 2U);
  c = std::move(b);  // what c held goes back
  EXPECT_EQ(pool.in_use(), 1U);
  EXPECT_EQ(c.data(), where);
  Frame& self = c;
  c = std::move(self);
  EXPECT_EQ(c.data(), where);
  c.reset();
  EXPECT_FALSE(c);
  EXPECT_EQ(pool.in_use(), 0U);
}

TEST(FramePool, is_exhausted_without_harm_and_reuses_the_newest) {
  FramePool pool(3, 128);
  std::vector<Frame> held;
  held.reserve(3);
  for (int i = 0; i < 3; ++i) held.push_back(pool.allocate(0));
  EXPECT_FALSE(pool.allocate(0));
  EXPECT_EQ(pool.available(), 0U);
  EXPECT_EQ(pool.in_use(), 3U);
  const uint8_t* first = held[0].data();
  const uint8_t* last = held[2].data();
  held[0].reset();
  held[2].reset();
  EXPECT_EQ(pool.available(), 2U);
  const Frame newest = pool.allocate(0);
  const Frame older = pool.allocate(0);
  EXPECT_EQ(newest.data(), last);
  EXPECT_EQ(older.data(), first);
}

TEST(FramePool, every_buffer_is_its_own) {
  FramePool pool(50, 64);
  std::vector<Frame> held;
  held.reserve(50);
  for (uint8_t i = 0; i < 50; ++i) {
    held.push_back(pool.allocate(0));
    held.back().reshape(0, 64);
    std::memset(held.back().data(), i, 64);
  }
  for (uint8_t i = 0; i < 50; ++i) {
    for (const uint8_t octet : held[i].bytes()) ASSERT_EQ(octet, i);
  }
}

TEST(FramePool, memory_is_touched_ahead_in_small_pieces) {
  FramePool pool(4096, 2048);
  std::vector<Frame> held;
  while (pool.available() > 0) {
    ASSERT_LE(pool.prepare(65536), 65536U);
    for (int i = 0; i < 16; ++i) held.push_back(pool.allocate(0));
    ASSERT_LE(held.size() * 2048, pool.touched());
  }
  pool.populate();
  EXPECT_EQ(pool.prepare(65536), 0U);
}

TEST(FrameDeathTest, no_frame_grows_beyond_its_buffer_or_outlives_its_pool) {
  FramePool pool(2, 128);
  Frame f = pool.allocate(8);
  EXPECT_DEATH(f.push_front(9), "broken promise: n <= offset_");
  EXPECT_DEATH(f.pop_front(1), "broken promise: n <= length_");
  EXPECT_DEATH(f.reshape(100, 29), "broken promise");
  EXPECT_DEATH((void)pool.allocate(129), "broken promise");
  EXPECT_DEATH(
      {
        Frame outlives;
        const FramePool* brief = new FramePool(1, 64);
        outlives = const_cast<FramePool*>(brief)->allocate(0);
        delete brief;
      },
      "broken promise: in_use");
}

}  // namespace
}  // namespace rapport
