// Slab and Reservation: indices, generations, the order of reuse, and memory ahead of need.
#include "rapport/base/slab.hh"

#include "rapport/base/handle.hh"
#include "rapport/base/random.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <map>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace rapport {
namespace {

struct Plain {
  uint64_t a = 7;
  uint32_t b = 9;
};

struct Tenant {
  uint32_t first = 1;  // the free list's link lies over this one
  uint32_t generation = 0;
  uint64_t load = 3;
};

TEST(Slab, hands_out_fresh_values_and_never_index_0) {
  Slab<Plain> slab(3);
  for (uint32_t expected = 1; expected <= 3; ++expected) {
    const uint32_t i = slab.allocate();
    EXPECT_EQ(i, expected);
    EXPECT_EQ(slab[i].a, 7U);
    EXPECT_EQ(slab[i].b, 9U);
    slab[i] = {.a = 100, .b = 200};
  }
  EXPECT_TRUE(slab.full());
  EXPECT_EQ(slab.allocate(), kNone);
  slab.release(2);
  EXPECT_FALSE(slab.full());
  EXPECT_EQ(slab.allocate(), 2U);
  EXPECT_EQ(slab[2].a, 7U);  // nothing of the tenant before
  EXPECT_EQ(slab[1].a, 100U);
  EXPECT_EQ(slab.used(), 3U);
  EXPECT_EQ(slab.top(), 4U);
}

TEST(Slab, reuses_the_newest_or_the_oldest) {
  Slab<Plain, Reuse::NewestFirst> newest(9);
  Slab<Plain, Reuse::OldestFirst> oldest(9);
  for (int i = 0; i < 5; ++i) {
    (void)newest.allocate();
    (void)oldest.allocate();
  }
  for (const uint32_t i : {3U, 1U, 4U}) {
    newest.release(i);
    oldest.release(i);
  }
  for (const uint32_t i : {4U, 1U, 3U, 6U}) EXPECT_EQ(newest.allocate(), i);
  for (const uint32_t i : {3U, 1U, 4U, 6U}) EXPECT_EQ(oldest.allocate(), i);
}

TEST(Slab, a_generation_passes_from_tenant_to_tenant) {
  Slab<Tenant> slab(2);
  const uint32_t i = slab.allocate();
  EXPECT_EQ(slab[i].generation, 1U);
  slab.release(i);
  EXPECT_EQ(slab[i].generation, 2U);  // a handle to the first tenant is stale from now on
  EXPECT_EQ(slab.allocate(), i);
  EXPECT_EQ(slab[i].generation, 2U);
  EXPECT_EQ(slab[i].first, 1U);
  EXPECT_EQ(slab[i].load, 3U);
}

TEST(Slab, a_generation_is_never_0) {
  Slab<Tenant> slab(1);
  const uint32_t i = slab.allocate();
  slab[i].generation = UINT32_MAX;
  slab.release(i);
  EXPECT_EQ(slab.allocate(), i);
  EXPECT_EQ(slab[i].generation, 1U);
  EXPECT_TRUE(Handle::make(i, slab[i].generation));
}

// Against lists: which index comes next, what its object holds, which generation it has.
RC_GTEST_PROP(Slab, is_a_set_of_slots_reused_oldest_first, ()) {
  const auto cap = *rc::gen::inRange<uint32_t>(1, 40);
  Random random(*rc::gen::arbitrary<uint64_t>());
  Slab<Tenant, Reuse::OldestFirst> slab(cap);
  std::map<uint32_t, uint64_t> alive;        // index -> load
  std::map<uint32_t, uint32_t> generations;  // of every index ever used
  std::deque<uint32_t> free;
  const auto steps = *rc::gen::inRange(0, 500);
  for (int step = 0; step < steps; ++step) {
    if (random.below(2) == 0) {
      const uint32_t i = slab.allocate();
      RC_ASSERT((i == kNone) == (alive.size() == cap));
      if (i == kNone) continue;
      const auto expected =
          free.empty() ? static_cast<uint32_t>(generations.size() + 1) : free.front();
      if (!free.empty()) free.pop_front();
      RC_ASSERT(i == expected);
      RC_ASSERT(slab[i].generation == generations.try_emplace(i, 1).first->second);
      slab[i].load = alive[i] = random.next();
    } else if (!alive.empty()) {
      auto victim = alive.begin();
      std::advance(victim, random.below(static_cast<uint32_t>(alive.size())));
      slab.release(victim->first);
      ++generations[victim->first];
      free.push_back(victim->first);
      alive.erase(victim);
    }
    RC_ASSERT(slab.used() == alive.size());
    RC_ASSERT(slab.full() == (alive.size() == cap));
    for (const auto& [i, load] : alive) RC_ASSERT(slab[i].load == load);
  }
}

TEST(Slab, memory_is_touched_ahead_in_small_pieces) {
  struct Big {
    std::array<uint8_t, 512> octets{};
  };

  Slab<Big> slab(100'000);
  EXPECT_EQ(slab.touched(), 65536U);
  for (int turn = 0; turn < 2000; ++turn) {
    EXPECT_LE(slab.prepare(65536), 65536U);
    for (int i = 0; i < 40; ++i) {
      const uint32_t at = slab.allocate();
      ASSERT_NE(at, kNone);
      ASSERT_LE((size_t{at} + 1) * sizeof(Big), slab.touched());
    }
  }
}

TEST(Slab, prepare_obeys_a_smaller_limit_and_ends_at_the_cap) {
  Slab<Plain> slab(20'000);
  for (int i = 0; i < 5000; ++i) (void)slab.allocate();
  EXPECT_EQ(slab.prepare(100), 0U);  // less than a page
  EXPECT_EQ(slab.prepare(8192), 8192U);
  while (slab.prepare(65536) != 0) {
  }
  const size_t enough = slab.touched();
  EXPECT_GE(enough, 5000 * sizeof(Plain) + 65536);
  EXPECT_LE(enough, 5000 * sizeof(Plain) + 65536 + 8192);
  while (slab.allocate() != kNone) {
  }
  while (slab.prepare(65536) != 0) {
  }
  EXPECT_LT(slab.touched(), 20'001 * sizeof(Plain) + 4096);
}

TEST(Slab, populated_has_nothing_to_prepare) {
  Slab<Plain> slab(100'000);
  slab.populate();
  EXPECT_GE(slab.touched(), 100'001 * sizeof(Plain));
  while (slab.allocate() != kNone) {
  }
  EXPECT_EQ(slab.prepare(65536), 0U);
}

TEST(Slab, memory_comes_from_one_mapping) {
  const uint64_t before = Reservation::mappings();
  Slab<Plain> slab(1'000'000);
  EXPECT_EQ(Reservation::mappings(), before + 1);
  for (int i = 0; i < 300'000; ++i) (void)slab.allocate();
  while (slab.prepare(65536) != 0) {
  }
  EXPECT_EQ(Reservation::mappings(), before + 1);
}

TEST(Reservation, touching_keeps_what_is_there) {
  Reservation space(40'000);
  space.data()[0] = std::byte{1};
  space.data()[39'999] = std::byte{2};
  EXPECT_EQ(space.touch(40'000, 8192), 8192U);
  EXPECT_EQ(space.touch(40'000, 65536), 40'960U - 8192);
  EXPECT_EQ(space.touch(40'000, 65536), 0U);
  EXPECT_EQ(space.touched(), 40'960U);
  space.populate();
  EXPECT_EQ(space.touch_range(5000, 9000), 8192U);  // pages 1 and 2
  EXPECT_EQ(space.touch_range(39'000, 99'000), 4096U);
  EXPECT_EQ(space.data()[0], std::byte{1});
  EXPECT_EQ(space.data()[39'999], std::byte{2});
  EXPECT_EQ(space.data()[1], std::byte{0});
}

TEST(SlabDeathTest, a_broken_promise_ends_the_process_with_its_place) {
  Slab<Plain> slab(3);
  EXPECT_DEATH(slab.release(1), "slab.hh:[0-9]+: broken promise: ");
}

}  // namespace
}  // namespace rapport
