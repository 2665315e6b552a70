// Out-of-order and overlapping text against a model written from RFC 2018 and 2883: every
// permutation of five segments, every pair of overlaps in a window of 700 octets, random longer
// stories; exact ACK, SACK and D-SACK blocks for each segment, and the text read at the end.
#include "rapport/base/random.hh"
#include "receiver.hh"

#include <algorithm>
#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::test {
namespace {

constexpr uint32_t kSpan = 700;

std::string text_of(const std::vector<Answer>& all) {
  std::string s;
  for (const Answer& a : all) {
    s += "ack " + std::to_string(a.ack);
    for (const Stretch b : a.blocks) {
      s += " [" + std::to_string(b.left) + "," + std::to_string(b.right) + ")";
    }
    s += "; ";
  }
  return s;
}

// What a receiver must answer, kept octet by octet.
class Model {
 public:
  Answer hears(Stretch s) {
    Answer a;
    const Stretch duplicate = first_duplicate(s);
    const bool in_order = s.left <= nxt();
    for (uint32_t i = s.left; i < s.right; ++i) held_.set(i);
    if (!in_order) note(run_at(s.left));
    forget_what_is_acknowledged();
    a.ack = nxt();
    if (duplicate.left != duplicate.right) a.blocks.push_back(duplicate);  // R2883-1
    const bool told = !a.blocks.empty();
    // R2883-3: the run that holds the duplicate comes second.
    if (told && duplicate.left > a.ack) add(a, run_at(duplicate.left));
    for (const uint32_t point : recent_) add(a, run_at(point), told);
    return a;
  }

 private:
  uint32_t nxt() const {
    uint32_t n = 0;
    while (n < kSpan && held_[n]) ++n;
    return n;
  }

  Stretch run_at(uint32_t point) const {
    Stretch r{point, point};
    while (r.left > 0 && held_[r.left - 1]) --r.left;
    while (r.right < kSpan && held_[r.right]) ++r.right;
    return r;
  }

  Stretch first_duplicate(Stretch s) const {
    Stretch d;
    uint32_t i = s.left;
    while (i < s.right && !held_[i]) ++i;
    d.left = d.right = i;
    while (d.right < s.right && held_[d.right]) ++d.right;
    return d;
  }

  void note(Stretch run) {
    std::erase_if(recent_, [&](uint32_t p) { return p >= run.left && p < run.right; });
    recent_.insert(recent_.begin(), run.left);
  }

  void forget_what_is_acknowledged() {
    const uint32_t n = nxt();
    std::erase_if(recent_, [&](uint32_t p) { return p < n; });
  }

  static void add(Answer& a, Stretch run, bool first_is_dsack = true) {
    const size_t from = first_is_dsack ? 1 : 0;
    for (size_t i = from; i < a.blocks.size(); ++i) {
      if (a.blocks[i] == run) return;
    }
    if (a.blocks.size() < 4) a.blocks.push_back(run);
  }

  std::bitset<kSpan> held_;
  std::vector<uint32_t> recent_;  // a point in each run, newest report first
};

// Plays the story to a stack and to the model; then what is left of [0, end) in order.
void expect_as_the_model(const std::vector<Stretch>& story, uint32_t end, bool wraps) {
  Receiver receiver(kSpan, wraps);
  Model model;
  std::string told;
  std::vector<Stretch> all = story;
  all.push_back({0, end});
  for (const Stretch s : all) {
    told += "hears [" + std::to_string(s.left) + "," + std::to_string(s.right) + ") ";
    const auto said = receiver.hears(s);
    const Answer wanted = model.hears(s);
    ASSERT_EQ(said.size(), 1U) << told << "said " << text_of(said);
    ASSERT_EQ(said[0], wanted) << told << "\n said   " << text_of(said) << "\n wanted "
                               << text_of({wanted});
  }
  ASSERT_EQ(receiver.reads_all(), end) << told << "(none: an octet is wrong)";
  EXPECT_EQ(receiver.stack().audit(), "") << told;
}

TEST(Reassembly, EveryPermutationOfFiveSegmentsDrawsTheExactBlocks_R2018_4_R2018_6_R2883_3) {
  std::array<uint32_t, 5> order{0, 1, 2, 3, 4};
  do {
    std::vector<Stretch> story;
    story.reserve(order.size());
    for (const uint32_t i : order) story.push_back({i * 100, (i + 1) * 100});
    expect_as_the_model(story, 500, order[0] % 2 == 0);
    if (HasFatalFailure()) return;
  } while (std::ranges::next_permutation(order).found);
}

TEST(Reassembly, EveryPairOfOverlapsIn700OctetsDrawsTheExactBlocks_R2883_1_R2883_4) {
  constexpr uint32_t kStep =
      70;  // ten points, so that every way in which two stretches can lie occurs
  std::vector<Stretch> stretches;
  for (uint32_t l = 0; l < kSpan; l += kStep) {
    for (uint32_t r = l + kStep; r <= kSpan; r += kStep) stretches.push_back({l, r});
  }
  for (const Stretch first : stretches) {
    for (const Stretch second : stretches) {
      expect_as_the_model({first, second}, kSpan, (first.left / kStep) % 2 == 1);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(Reassembly, RandomStoriesOfTwentySegmentsDrawTheExactBlocks_R2018_7) {
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    std::vector<Stretch> story;
    for (int i = 0; i < 20; ++i) {
      const uint32_t left = random.below(kSpan - 1);
      const uint32_t length = 1 + random.below(std::min(120U, kSpan - left));
      story.push_back({left, left + length});
    }
    expect_as_the_model(story, kSpan, seed % 2 == 0);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace rapport::test
