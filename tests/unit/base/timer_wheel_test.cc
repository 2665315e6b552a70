// TimerWheel against a plain map of deadlines: nothing early, everything at its first microsecond,
// in order, whatever the budget; and the bounds of its work.
#include "rapport/base/timer_wheel.hh"

#include "rapport/base/random.hh"
#include "rapport/base/time.hh"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace rapport {
namespace {

constexpr uint32_t kNodes = 40;

struct Access {
  std::vector<TimerNode>* nodes;

  TimerNode& operator()(uint32_t i) const { return (*nodes)[i]; }
};

struct World {
  std::vector<TimerNode> nodes = std::vector<TimerNode>(kNodes + 1);
  TimerWheel<Access> wheel{Access{&nodes}};

  // What fires when the wheel goes to `now`.
  std::vector<uint32_t> go(Instant now, uint32_t budget = UINT32_MAX) {
    std::vector<uint32_t> fired;
    more = wheel.advance(now, budget, [&](uint32_t i) { fired.push_back(i); });
    return fired;
  }

  bool more = false;
};

using List = std::vector<uint32_t>;

TEST(TimerWheel, fires_at_its_microsecond_and_not_before) {
  World w;
  w.wheel.arm(1, Instant{} + 1500_us);
  EXPECT_EQ(w.go(Instant{} + 1499_us + 999_ns), List{});
  EXPECT_EQ(w.go(Instant{} + 1500_us), List{1});
  EXPECT_FALSE(w.nodes[1].armed());
  EXPECT_FALSE(w.nodes[1].linked());
  EXPECT_EQ(w.wheel.next_due(), kNever);
}

TEST(TimerWheel, rounds_up_to_the_next_microsecond) {
  World w;
  w.wheel.arm(1, Instant{1});
  EXPECT_EQ(w.go(Instant{999}), List{});
  EXPECT_EQ(w.wheel.next_due(), Instant{1'000});
  EXPECT_EQ(w.go(Instant{1'000}), List{1});
}

TEST(TimerWheel, fires_at_the_beginning_of_the_world) {
  World w;
  w.wheel.arm(1, Instant{});
  EXPECT_EQ(w.wheel.next_due(), Instant{});
  EXPECT_EQ(w.go(Instant{}), List{1});
}

TEST(TimerWheel, fires_at_once_what_is_armed_for_the_past) {
  World w;
  EXPECT_EQ(w.go(Instant{} + 10_s), List{});
  w.wheel.arm(1, Instant{} + 3_s);
  EXPECT_LE(w.wheel.next_due(), Instant{} + 10_s);
  EXPECT_EQ(w.go(Instant{} + 10_s), List{1});
}

TEST(TimerWheel, fires_equals_in_the_order_of_arming) {
  World w;
  for (const uint32_t i : {3U, 1U, 2U}) w.wheel.arm(i, Instant{} + 700_ms);
  EXPECT_EQ(w.go(Instant{} + 1_s), (List{3, 1, 2}));
}

TEST(TimerWheel, disarm_is_lazy_and_remove_is_not) {
  World w;
  w.wheel.arm(1, Instant{} + 5_ms);
  w.wheel.arm(2, Instant{} + 5_ms);
  w.wheel.disarm(1);
  w.wheel.remove(2);
  EXPECT_TRUE(w.nodes[1].linked());
  EXPECT_FALSE(w.nodes[2].linked());
  EXPECT_EQ(w.wheel.linked(), 1U);
  EXPECT_EQ(w.go(Instant{} + 5_ms), List{});
  EXPECT_EQ(w.wheel.linked(), 0U);
}

TEST(TimerWheel, a_later_deadline_stays_where_it_is_linked) {
  World w;
  w.wheel.arm(1, Instant{} + 5_ms);
  const TimerNode before = w.nodes[1];
  w.wheel.arm(1, Instant{} + 90_s);
  EXPECT_EQ(w.nodes[1].level, before.level);
  EXPECT_EQ(w.nodes[1].slot, before.slot);
  EXPECT_EQ(w.go(Instant{} + 89_s), List{});
  EXPECT_EQ(w.go(Instant{} + 90_s), List{1});
}

TEST(TimerWheel, an_earlier_deadline_counts) {
  World w;
  w.wheel.arm(1, Instant{} + 90_s);
  w.wheel.arm(1, Instant{} + 5_ms);
  EXPECT_EQ(w.wheel.next_due(), Instant{} + 5_ms);
  EXPECT_EQ(w.go(Instant{} + 5_ms), List{1});
}

TEST(TimerWheel, never_is_disarmed_and_the_farthest_future_can_wait) {
  World w;
  w.wheel.arm(1, Instant{} + 1_s);
  w.wheel.arm(1, kNever);
  EXPECT_FALSE(w.nodes[1].armed());
  EXPECT_EQ(w.go(Instant{} + 1_s), List{});
  w.wheel.arm(2, kNever - 5_s);
  w.wheel.arm(3, kNever - 1_ns);  // in the last, unfinished microsecond
  EXPECT_EQ(w.go(kNever - 6_s), List{});
  EXPECT_EQ(w.go(kNever - 4_s), List{2});
  EXPECT_EQ(w.go(kNever), List{});
}

TEST(TimerWheel, a_timer_alone_needs_one_wake_up) {
  World w;
  for (const Duration d : {3_us, 200_ms, 1_s + 7_us, 60_s, 7200_s, 2'000'000_s}) {
    const Instant at = Instant{} + d * 3;
    w.wheel.arm(1, at);
    EXPECT_EQ(w.wheel.next_due(), at);
    EXPECT_EQ(w.go(at), List{1});
  }
}

TEST(TimerWheel, a_short_timer_after_a_long_rest_is_visited_once) {
  World w;
  EXPECT_EQ(w.go(Instant{} + 10_s), List{});
  w.wheel.arm(1, Instant{} + 10_s + 3_us);
  EXPECT_EQ(w.go(Instant{} + 10_s + 3_us), List{1});
  EXPECT_EQ(w.wheel.visited(), 1U);
}

TEST(TimerWheel, is_resumed_in_mid_slot) {
  World w;
  for (uint32_t i = 1; i <= 10; ++i) w.wheel.arm(i, Instant{} + 1_s);
  const Instant at = Instant{} + 1_s;
  List fired;
  do {
    const uint64_t before = w.wheel.visited();
    const List some = w.go(at, 3);
    fired.insert(fired.end(), some.begin(), some.end());
    EXPECT_LE(w.wheel.visited() - before, 3U);
    if (w.more) {
      EXPECT_LE(w.wheel.next_due(), at);
    }
  } while (w.more);
  EXPECT_EQ(fired, (List{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
}

TEST(TimerWheel, fire_may_arm_disarm_and_remove_any_node) {
  World w;
  for (uint32_t i = 1; i <= 4; ++i) w.wheel.arm(i, Instant{} + 1_ms);
  List fired;
  EXPECT_FALSE(w.wheel.advance(Instant{} + 2_ms, 100, [&](uint32_t i) {
    fired.push_back(i);
    if (i != 1 || fired.size() > 1) return;
    w.wheel.remove(2);
    w.wheel.disarm(3);
    w.wheel.arm(1, Instant{} + 1_ms);
    w.wheel.arm(5, Instant{} + 3_ms);
  }));
  EXPECT_EQ(fired, (List{1, 4, 1}));
  EXPECT_EQ(w.go(Instant{} + 3_ms), List{5});
}

TEST(TimerWheel, a_timer_that_rearms_itself_for_now_cannot_hold_a_turn) {
  World w;
  const Instant at = Instant{} + 1_ms;
  w.wheel.arm(1, at);
  EXPECT_TRUE(w.wheel.advance(at, 50, [&](uint32_t i) { w.wheel.arm(i, at); }));
  EXPECT_EQ(w.wheel.visited(), 50U);
}

TEST(TimerWheel, a_million_dead_nodes_in_one_slot_are_dropped_within_budgets) {
  constexpr uint32_t kMany = 100'000;
  std::vector<TimerNode> nodes(kMany + 1);
  TimerWheel<Access> wheel{Access{&nodes}};
  for (uint32_t i = 1; i <= kMany; ++i) wheel.arm(i, Instant{} + 1_s + 1_us * i);
  for (uint32_t i = 1; i <= kMany; ++i) wheel.disarm(i);
  uint32_t calls = 0;
  uint64_t visited = 0;
  while (wheel.advance(Instant{} + 2_s, 64, [](uint32_t) { FAIL(); })) {
    ASSERT_LE(wheel.visited() - visited, 64U);
    visited = wheel.visited();
    ++calls;
  }
  EXPECT_EQ(wheel.linked(), 0U);
  EXPECT_EQ(wheel.visited(), kMany);  // dead nodes are dropped where they are first met
  EXPECT_GE(calls, kMany / 64 - 1);
}

// --- against the model -------------------------------------------------------------------------

uint64_t first_microsecond(Instant t) {
  return (static_cast<uint64_t>(t.ns) + 999) / 1'000;
}

class Trial {
 public:
  explicit Trial(uint64_t seed) : random_(seed) {}

  void change() {
    const uint32_t node = 1 + random_.below(kNodes);
    switch (random_.below(8)) {
      case 0:
        w_.wheel.disarm(node);
        forget(node);
        break;
      case 1:
        w_.wheel.remove(node);
        forget(node);
        RC_ASSERT(!w_.nodes[node].linked());
        break;
      default: arm(node); break;
    }
    for (uint32_t i = 1; i <= kNodes; ++i) RC_ASSERT(w_.nodes[i].armed() == model_.contains(i));
  }

  // Moves time, with a budget that may end before the work does.
  void pass() {
    if (!behind_) now_ += Duration{static_cast<int64_t>(span())};
    const uint32_t budget = random_.below(3) == 0 ? 1 + random_.below(4) : 1000;
    run(budget);
  }

  // Goes from deadline to deadline as a driver in virtual time does, until nothing is left.
  void drain() {
    while (behind_) run(7);
    uint32_t wake_ups = 0;
    while (w_.wheel.next_due() != kNever) {
      now_ = std::max(now_, w_.wheel.next_due());  // what is armed for the past is due now
      do run(5);
      while (behind_);
      RC_ASSERT(++wake_ups <= kNodes * 10);
    }
    RC_ASSERT(model_.empty());
    RC_ASSERT(w_.wheel.linked() == 0U);
  }

 private:
  // Short and long times alike, up to years.
  uint64_t span() {
    const uint32_t bits = random_.below(random_.below(4) == 0 ? 58 : 36);
    const uint64_t raw = random_.next();
    return raw & ((uint64_t{1} << bits) - 1);
  }

  void arm(uint32_t node) {
    const bool past = random_.below(20) == 0;
    const uint64_t distance = span();
    Instant at = now_ + Duration{static_cast<int64_t>(distance)};
    if (past) at = Instant{std::max<int64_t>(0, now_.ns - static_cast<int64_t>(distance))};
    w_.wheel.arm(node, at);
    forget(node);
    model_[node] = first_microsecond(at);
    if (at <= now_) late_.insert(node);
    RC_ASSERT(first_microsecond(w_.nodes[node].deadline()) == model_[node]);
  }

  void forget(uint32_t node) {
    model_.erase(node);
    late_.erase(node);
  }

  void run(uint32_t budget) {
    const auto now_us = static_cast<uint64_t>(now_.ns) / 1'000;
    const uint64_t visited = w_.wheel.visited();
    behind_ = w_.wheel.advance(now_, budget, [&](uint32_t i) {
      RC_ASSERT(model_.contains(i));
      RC_ASSERT(model_[i] <= now_us);
      for (const auto& [other, deadline] : model_) {  // none that is earlier was passed over
        RC_ASSERT(deadline >= model_[i] || late_.contains(other));
      }
      forget(i);
      if (random_.below(10) == 0) arm(i);
    });
    RC_ASSERT(w_.wheel.visited() - visited <= budget);
    if (behind_) {
      RC_ASSERT(w_.wheel.next_due() <= now_);
    } else {
      for (const auto& [node, deadline] : model_) RC_ASSERT(deadline > now_us);
    }
    for (const auto& [node, deadline] : model_) {
      RC_ASSERT(first_microsecond(w_.wheel.next_due()) <= std::max(deadline, now_us));
    }
  }

  World w_;
  Random random_;
  Instant now_{};
  bool behind_ = false;
  std::map<uint32_t, uint64_t> model_;  // node -> its first microsecond
  std::set<uint32_t> late_;             // armed for now or the past: these fire in order of arming
};

RC_GTEST_PROP(TimerWheel, is_a_sorted_multimap, ()) {
  Trial trial(*rc::gen::arbitrary<uint64_t>());
  const auto steps = *rc::gen::inRange(0, 400);
  for (int i = 0; i < steps; ++i) {
    trial.change();
    if (i % 3 == 0) trial.pass();
  }
  trial.drain();
}

}  // namespace
}  // namespace rapport
