// TagTable against a multimap, with tags from small sets so that collisions, overflow and growth
// meet all the time; and the bounds of its work.
#include "rapport/base/tag_table.hh"

#include "rapport/base/random.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace rapport {
namespace {

using Model = std::unordered_multimap<uint32_t, uint32_t>;

bool has(const TagTable& table, uint32_t tag, uint32_t value) {
  return table.find(tag, [&](uint32_t v) { return v == value; }) == value;
}

// Every value that the table offers for `tag`, in ascending order.
std::vector<uint32_t> offered(const TagTable& table, uint32_t tag) {
  std::vector<uint32_t> values;
  const uint32_t none = table.find(tag, [&](uint32_t v) {
    values.push_back(v);
    return false;
  });
  EXPECT_EQ(none, 0U);
  std::ranges::sort(values);
  return values;
}

std::vector<uint32_t> expected(const Model& model, uint32_t tag) {
  std::vector<uint32_t> values;
  const auto [begin, end] = model.equal_range(tag);
  for (auto it = begin; it != end; ++it) values.push_back(it->second);
  std::ranges::sort(values);
  return values;
}

// How tags are spread: all alike at the one end, uniform at the other.
struct Tags {
  uint32_t distinct;   // how many different tags there are
  uint32_t keep_bits;  // only the top bits differ: crowded homes with different tags
  uint32_t offset;     // 0: crowds the lowest buckets; large: the highest

  [[nodiscard]] uint32_t pick(Random& random) const {
    const uint32_t which = distinct == 0 ? random.next32() : random.below(distinct);
    const uint32_t spread = distinct == 0 ? which : which * 0x9e3779b9U;
    return (keep_bits == 0 ? which : spread >> (32 - keep_bits)) + offset;
  }
};

class Trial {
 public:
  Trial(uint32_t cap, uint64_t seed, const Tags& tags)
      : table_(cap), random_(seed), tags_(tags), cap_(cap) {}

  void step(uint32_t insert_percent) {
    if (random_.below(100) < insert_percent) {
      insert();
    } else if (!entries_.empty()) {
      const uint32_t which = random_.below(static_cast<uint32_t>(entries_.size()));
      random_.below(4) == 0 ? replace(which) : erase(which);
    }
    const uint32_t tag = tags_.pick(random_);
    RC_ASSERT(offered(table_, tag) == expected(model_, tag));
  }

  void check_all() {
    RC_ASSERT(table_.size() == model_.size());
    for (const auto& [tag, value] : entries_) RC_ASSERT(has(table_, tag, value));
    check_counts();
  }

  // Overflow counts are exact: so misses end as early as they can.
  void check_counts() {
    const TagTable::Census census = table_.census();
    RC_ASSERT(census.entries == model_.size());
    RC_ASSERT(census.displaced == census.overflow);
  }

  void empty() {
    while (!entries_.empty()) erase(static_cast<uint32_t>(entries_.size() - 1));
    RC_ASSERT(table_.size() == 0U);
    RC_ASSERT(table_.census() == TagTable::Census{});
  }

 private:
  void insert() {
    const uint32_t tag = tags_.pick(random_);
    const uint64_t moved = table_.buckets_moved();
    const bool inserted = table_.insert(tag, ++last_value_);
    RC_ASSERT(table_.buckets_moved() - moved <= 1U);
    RC_ASSERT(inserted == (model_.size() < cap_));
    if (!inserted) return;
    model_.emplace(tag, last_value_);
    entries_.emplace_back(tag, last_value_);
  }

  void erase(uint32_t which) {
    const auto [tag, value] = entries_[which];
    table_.erase(tag, value);
    forget(tag, value);
    entries_[which] = entries_.back();
    entries_.pop_back();
    RC_ASSERT(!has(table_, tag, value));
  }

  void replace(uint32_t which) {
    const auto [tag, value] = entries_[which];
    table_.replace(tag, value, ++last_value_);
    forget(tag, value);
    model_.emplace(tag, last_value_);
    entries_[which].second = last_value_;
    RC_ASSERT(!has(table_, tag, value));
    RC_ASSERT(has(table_, tag, last_value_));
  }

  void forget(uint32_t tag, uint32_t value) {
    const auto [begin, end] = model_.equal_range(tag);
    for (auto it = begin; it != end; ++it) {
      if (it->second == value) {
        model_.erase(it);
        return;
      }
    }
  }

  TagTable table_;
  Random random_;
  Tags tags_;
  uint32_t cap_;
  Model model_;
  std::vector<std::pair<uint32_t, uint32_t>> entries_;
  uint32_t last_value_ = 0;
};

RC_GTEST_PROP(TagTable, is_a_multimap, ()) {
  const auto cap = *rc::gen::inRange<uint32_t>(1, 3000);
  const Tags tags{*rc::gen::element<uint32_t>(0, 1, 2, 9, 60, 1000),
                  *rc::gen::element<uint32_t>(0, 1, 3, 7, 12, 31),
                  *rc::gen::element<uint32_t>(0, 1, 0x7fffff00, 0x80000000, 0xfffffff0)};
  const auto seed = *rc::gen::arbitrary<uint64_t>();
  Trial trial(cap, seed, tags);
  const auto steps = *rc::gen::inRange<uint32_t>(0, 1500);
  for (uint32_t i = 0; i < steps; ++i) {
    trial.step(85);
    trial.check_counts();
  }
  trial.check_all();
  for (uint32_t i = 0; i < steps; ++i) trial.step(45);
  trial.check_all();
  trial.empty();
}

TEST(TagTable, grows_with_uniform_tags_and_finds_every_entry_at_each_moment) {
  TagTable table(100'000);
  Random random(7);
  std::vector<uint32_t> tags{0};
  for (uint32_t value = 1; value <= 20'000; ++value) {
    tags.push_back(random.next32());
    ASSERT_TRUE(table.insert(tags.back(), value));
    const uint32_t any = 1 + random.below(value);
    ASSERT_TRUE(has(table, tags[any], any));
  }
  EXPECT_GT(table.buckets_moved(), 1000U);
  for (uint32_t value = 1; value <= 20'000; ++value) ASSERT_TRUE(has(table, tags[value], value));
}

TEST(TagTable, is_full_at_its_cap_and_not_before) {
  TagTable table(1000);
  for (uint32_t i = 1; i <= 1000; ++i) ASSERT_TRUE(table.insert(i * 0x9e3779b9U, i));
  EXPECT_FALSE(table.insert(5, 1001));
  table.erase(7 * 0x9e3779b9U, 7);
  EXPECT_TRUE(table.insert(5, 1001));
}

TEST(TagTable, takes_its_cap_of_one_single_tag_wherever_that_lies) {
  for (const uint32_t tag : {0U, 1U, 0x80000000U, 0xffffffffU}) {
    TagTable table(2000);
    for (uint32_t i = 1; i <= 2000; ++i) ASSERT_TRUE(table.insert(tag, i));
    for (uint32_t i = 1; i <= 2000; ++i) ASSERT_TRUE(has(table, tag, i));
    EXPECT_EQ(table.find(tag ^ 2, [](uint32_t) { return true; }), 0U);
    for (uint32_t i = 1; i <= 2000; ++i) table.erase(tag, i);
    EXPECT_EQ(table.find(tag, [](uint32_t) { return true; }), 0U);
  }
}

TEST(TagTable, moves_into_memory_that_prepare_has_touched_in_small_pieces) {
  TagTable table(2'000'000);
  Random random(3);
  uint64_t touched = 0;
  for (uint32_t turn = 0; turn < 30'000; ++turn) {
    const size_t now = table.prepare(65536);
    ASSERT_LE(now, 65536U);
    touched += now;
    for (uint32_t i = 1; i <= 32; ++i) ASSERT_TRUE(table.insert(random.next32(), turn * 32 + i));
  }
  EXPECT_EQ(table.buckets_moved_cold(), 0U);
  EXPECT_GT(table.buckets_moved(), 100'000U);
  EXPECT_LE(touched, table.buckets() * 64);
}

TEST(TagTable, counts_moves_into_memory_that_nobody_prepared) {
  TagTable table(100'000);
  Random random(3);
  for (uint32_t i = 1; i <= 50'000; ++i) ASSERT_TRUE(table.insert(random.next32(), i));
  EXPECT_GT(table.buckets_moved_cold(), 0U);
}

TEST(TagTable, populated_needs_no_preparing) {
  TagTable table(50'000);
  table.populate();
  Random random(3);
  for (uint32_t i = 1; i <= 50'000; ++i) {
    ASSERT_EQ(table.prepare(65536), 0U);
    ASSERT_TRUE(table.insert(random.next32(), i));
  }
  EXPECT_EQ(table.buckets_moved_cold(), 0U);
}

TEST(TagTable, splits_in_one_step_an_insert_and_never_starts_a_growth_within_another) {
  TagTable table(1'000'000);
  Random random(11);
  uint64_t buckets = table.buckets();
  bool growing = false;
  for (uint32_t i = 1; i <= 300'000; ++i) {
    const uint64_t moved = table.buckets_moved();
    ASSERT_TRUE(table.insert(random.next32(), i));
    ASSERT_LE(table.buckets_moved(), moved + 1);
    if (table.buckets() != buckets) {
      ASSERT_FALSE(growing);
      ASSERT_EQ(table.buckets(), 2 * buckets);
    }
    buckets = table.buckets();
    growing = table.growing();
  }
}

}  // namespace
}  // namespace rapport
