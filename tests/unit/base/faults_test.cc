// Faults: the same seed decides the same; rates are what the plan says; the script is obeyed.
#include "rapport/base/faults.hh"

#include "rapport/base/time.hh"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

namespace rapport {
namespace {

FaultPlan everything() {
  FaultPlan plan;
  plan.loss_ppm = 30'000;
  plan.duplicate_ppm = 20'000;
  plan.reorder_ppm = 50'000;
  plan.corrupt_ppm = 10'000;
  plan.delay = 20_ms;
  plan.jitter = 5_ms;
  plan.reorder_delay = 40_ms;
  return plan;
}

bool same(const Verdict& a, const Verdict& b) {
  return a.copies == b.copies && a.reordered == b.reordered && a.delay == b.delay
         && a.corrupted == b.corrupted && a.flip == b.flip && a.octet == b.octet;
}

bool untouched(const Verdict& verdict) {
  return verdict.copies == 1 && !verdict.corrupted && !verdict.reordered
         && verdict.delay[0] == Duration{};
}

TEST(Faults, none_by_default) {
  Faults faults({}, 1);
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(untouched(faults.decide(40)));
  EXPECT_EQ(faults.counts().packets, 1000U);
}

TEST(Faults, same_seed_same_decisions_another_seed_others) {
  Faults a(everything(), 5);
  Faults b(everything(), 5);
  Faults c(everything(), 6);
  int differ = 0;
  for (int i = 0; i < 2000; ++i) {
    const Verdict verdict = a.decide(1500);
    ASSERT_TRUE(same(verdict, b.decide(1500)));
    differ += same(verdict, c.decide(1500)) ? 0 : 1;
  }
  EXPECT_GT(differ, 1000);
}

TEST(Faults, one_rate_does_not_change_the_decisions_of_the_others) {
  FaultPlan lossless = everything();
  lossless.loss_ppm = 0;
  Faults a(everything(), 9);
  Faults b(lossless, 9);
  for (int i = 0; i < 2000; ++i) {
    const Verdict with = a.decide(1500);
    const Verdict without = b.decide(1500);
    if (!with.lost()) {
      ASSERT_TRUE(same(with, without));
    }
  }
}

TEST(Faults, rates_are_those_of_the_plan) {
  for (const uint64_t seed : {1U, 2U, 3U}) {
    Faults faults(everything(), seed);
    constexpr uint64_t kPackets = 200'000;
    for (uint64_t i = 0; i < kPackets; ++i) (void)faults.decide(1000);
    // Six standard deviations of the largest count, 10,000, are 585.
    const auto near = [&](FaultKind kind, uint64_t expected) {
      EXPECT_NEAR(static_cast<double>(faults.counts()[kind]), static_cast<double>(expected), 600.0)
          << name(kind);
    };
    near(FaultKind::Lose, kPackets * 3 / 100);
    near(FaultKind::Duplicate, kPackets * 97 / 100 * 2 / 100);
    near(FaultKind::Reorder, kPackets * 97 / 100 * 5 / 100);
    near(FaultKind::Corrupt, kPackets * 97 / 100 * 1 / 100);
  }
}

TEST(Faults, delays_lie_within_the_plan) {
  Faults faults(everything(), 4);
  Duration least = 1_s;
  Duration most;
  uint64_t reordered = 0;
  uint64_t apart = 0;
  for (int i = 0; i < 20'000; ++i) {
    const Verdict verdict = faults.decide(100);
    if (verdict.lost()) continue;
    if (verdict.copies == 2) {
      EXPECT_GE(verdict.delay[1], 20_ms);
      EXPECT_LE(verdict.delay[1], 25_ms);
      apart += verdict.delay[0] == verdict.delay[1] ? 0 : 1;
    }
    if (verdict.delay[0] >= 60_ms) {
      ++reordered;
      EXPECT_LE(verdict.delay[0], 65_ms);
      continue;
    }
    least = std::min(least, verdict.delay[0]);
    most = std::max(most, verdict.delay[0]);
  }
  EXPECT_GE(least, 20_ms);
  EXPECT_LT(least, 20_ms + 50_us);
  EXPECT_LE(most, 25_ms);
  EXPECT_GT(most, 25_ms - 50_us);
  EXPECT_EQ(reordered, faults.counts()[FaultKind::Reorder]);
  EXPECT_GT(apart, 300U);  // of about 390 duplicates; the jitter has steps of 1 us
}

TEST(Faults, damage_is_one_bit_anywhere_in_the_packet) {
  FaultPlan plan;
  plan.corrupt_ppm = 1'000'000;
  Faults faults(plan, 8);
  std::array<std::array<bool, 8>, 20> met{};
  for (int i = 0; i < 5000; ++i) {
    std::array<uint8_t, 20> packet{};
    faults.decide(packet.size()).damage(packet);
    int bits = 0;
    for (size_t at = 0; at < packet.size(); ++at) {
      bits += std::popcount(packet[at]);
      if (packet[at] != 0) met[at][static_cast<size_t>(std::countr_zero(packet[at]))] = true;
    }
    ASSERT_EQ(bits, 1);
  }
  for (const auto& octet : met) {
    for (const bool bit : octet) EXPECT_TRUE(bit);
  }
  EXPECT_FALSE(faults.decide(0).corrupted);
}

TEST(Faults, the_script_is_obeyed_packet_by_packet) {
  FaultPlan plan;
  plan.reorder_delay = 30_ms;
  plan.script = {{5, FaultKind::Reorder},
                 {2, FaultKind::Lose},
                 {4, FaultKind::Duplicate},
                 {5, FaultKind::Duplicate},
                 {6, FaultKind::Corrupt}};
  Faults faults(plan, 1);
  std::vector<Verdict> verdicts(1);  // packets are counted from 1
  for (int i = 0; i < 7; ++i) verdicts.push_back(faults.decide(60));
  EXPECT_TRUE(untouched(verdicts[1]));
  EXPECT_TRUE(verdicts[2].lost());
  EXPECT_TRUE(untouched(verdicts[3]));
  EXPECT_EQ(verdicts[4].copies, 2);
  EXPECT_EQ(verdicts[5].copies, 2);
  EXPECT_EQ(verdicts[5].delay[0], 30_ms);
  EXPECT_EQ(verdicts[5].delay[1], 30_ms);  // after the first, in the order of the script
  EXPECT_TRUE(verdicts[6].corrupted);
  EXPECT_LT(verdicts[6].octet, 60U);
  EXPECT_TRUE(untouched(verdicts[7]));
  EXPECT_EQ(faults.counts()[FaultKind::Lose], 1U);
  EXPECT_EQ(faults.counts()[FaultKind::Duplicate], 2U);
}

TEST(Faults, orders_may_be_added_and_say_how_long_and_where) {
  Faults faults({}, 1);
  faults.order({.packet = 3, .kind = FaultKind::Reorder, .by = 7_ms});
  faults.order({.packet = 2, .kind = FaultKind::Duplicate, .by = 4_ms});
  faults.order({.packet = 1, .kind = FaultKind::Corrupt, .octet = 33});
  const Verdict first = faults.decide(60);
  const Verdict second = faults.decide(60);
  faults.order({.packet = 1, .kind = FaultKind::Lose});  // too late: without effect
  const Verdict third = faults.decide(60);
  EXPECT_TRUE(first.corrupted);
  EXPECT_EQ(first.octet, 33U);
  EXPECT_EQ(second.copies, 2);
  EXPECT_EQ(second.delay[1], 4_ms);
  EXPECT_EQ(third.copies, 1);
  EXPECT_EQ(third.delay[0], 7_ms);
}

TEST(Faults, a_new_plan_takes_effect_with_the_next_packet) {
  Faults faults({}, 1);
  faults.order({.packet = 2, .kind = FaultKind::Lose});
  EXPECT_TRUE(untouched(faults.decide(60)));
  faults.configure({.delay = 3_ms});
  EXPECT_TRUE(faults.decide(60).lost());  // ordered before
  EXPECT_EQ(faults.decide(60).delay[0], 3_ms);
}

}  // namespace
}  // namespace rapport
