// The send queue against a plain deque of octets: copies and loans, cursors at every place, blocks
// and pieces that run out, each loan given back once and in order.
#include "rapport/tcp/send_queue.hh"

#include "rapport/base/handle.hh"
#include "rapport/base/random.hh"
#include "rapport/base/seq.hh"
#include "world.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::tcp {
namespace {

using Octets = std::vector<uint8_t>;

Octets some(uint32_t n, uint32_t from) {
  Octets text(n);
  for (uint32_t i = 0; i < n; ++i)
    text[i] = static_cast<uint8_t>((from + i) * 131 + (from + i) / 251);
  return text;
}

// `n` octets from `at` on, read piece by piece as a segment is built.
Octets read(Cursor at, uint32_t n, const Context& cx) {
  Octets text;
  while (text.size() < n) {
    const Piece& p = cx.pieces[at.piece];
    const uint32_t take = std::min(n - static_cast<uint32_t>(text.size()), p.length - at.offset);
    text.insert(text.end(), p.data + at.offset, p.data + at.offset + take);
    at = {p.next, 0};
  }
  return text;
}

TEST(SendQueue, CopiesFillBlocksAndStopWhenThereIsNone_UC_SEND_10) {
  test::World w;
  SendQueue q;
  constexpr uint32_t all = 8 * kBlockOctets;
  const Octets text = some(all + kBlockOctets, 0);
  EXPECT_EQ(append_copy(q, std::span(text).first(100), w.cx), 100U);
  EXPECT_EQ(append_copy(q, std::span(text).subspan(100), w.cx), all - 100);
  EXPECT_EQ(append_copy(q, text, w.cx), 0U);
  EXPECT_EQ(q.queued, ByteCount{all});
  EXPECT_EQ(q.pieces, 8U) << "the second call went on in the first block";
  EXPECT_EQ(read(front(q), all, w.cx), Octets(text.begin(), text.begin() + all));
  release_all(q, w.cx);
  EXPECT_EQ(w.cx.blocks.used() + w.cx.pieces.used(), 0U);
}

TEST(SendQueue, ABlockIsGivenBackWhenNoPieceIsLeft_UC_SEND_10) {
  Config few = test::small();
  few.max_pieces = 1;
  test::World w(few);
  SendQueue q;
  const Octets text = some(kBlockOctets + 1, 0);
  EXPECT_EQ(append_copy(q, text, w.cx), kBlockOctets);
  EXPECT_EQ(w.cx.blocks.used(), 1U) << "the second block went back";
  EXPECT_FALSE(append_borrowed(q, text, 1, w.cx));
  EXPECT_EQ(q.queued, ByteCount{kBlockOctets});
  release_all(q, w.cx);
  EXPECT_TRUE(w.released.tokens.empty()) << "what was never lent is not given back";
}

TEST(SendQueue, ALoanComesBackWithItsLastOctet_UC_SEND_09) {
  test::World w;
  SendQueue q;
  const Octets text = some(100, 0);
  ASSERT_TRUE(append_borrowed(q, text, 7, w.cx));
  release_front(q, 99_B, w.cx);
  EXPECT_TRUE(w.released.tokens.empty());
  EXPECT_EQ(front(q).offset, 99U);
  release_front(q, 1_B, w.cx);
  EXPECT_EQ(w.released.tokens, std::vector<uint64_t>{7});
  EXPECT_EQ(q.head, kNone);
  EXPECT_EQ(q.tail, kNone);
  EXPECT_EQ(w.cx.pieces.used(), 0U);
}

TEST(SendQueue, ReleaseAllGivesBackEachLoanOnce_UC_ABORT_06) {
  test::World w;
  SendQueue q;
  const Octets text = some(300, 0);
  ASSERT_TRUE(append_borrowed(q, std::span(text).first(100), 1, w.cx));
  ASSERT_EQ(append_copy(q, std::span(text).subspan(100, 100), w.cx), 100U);
  ASSERT_TRUE(append_borrowed(q, std::span(text).subspan(200), 2, w.cx));
  release_front(q, 150_B, w.cx);
  EXPECT_EQ(w.released.tokens, (std::vector<uint64_t>{1}));
  release_all(q, w.cx);
  release_all(q, w.cx);
  EXPECT_EQ(w.released.tokens, (std::vector<uint64_t>{1, 2}));
  EXPECT_EQ(w.cx.blocks.used() + w.cx.pieces.used(), 0U);
}

// One random life: append, send, acknowledge, send again, with the queue's invariants at each step.
class Life {
 public:
  explicit Life(uint64_t seed) : random_(seed) {}

  void lives() {
    for (int i = 0; i < 300 && !testing::Test::HasFailure(); ++i) {
      switch (random_.below(4)) {
        case 0: copies(); break;
        case 1: lends(); break;
        case 2: sends(); break;
        default: is_acknowledged(); break;
      }
      holds();
    }
    release_all(q_, w_.cx);
    EXPECT_EQ(w_.released.tokens, lent_) << "every loan once, in order";
    EXPECT_EQ(w_.cx.blocks.used() + w_.cx.pieces.used(), 0U);
  }

 private:
  void copies() {
    const Octets text = some(1 + random_.below(6000), written_);
    const uint32_t n = append_copy(q_, text, w_.cx);
    appended(std::span(text).first(n));
  }

  void lends() {
    loans_.push_back(some(1 + random_.below(3000), written_));
    if (!append_borrowed(q_, loans_.back(), loans_.size(), w_.cx)) {
      EXPECT_EQ(w_.cx.pieces.used(), w_.cx.pieces.cap());
      return;
    }
    lent_.push_back(loans_.size());
    appended(loans_.back());
  }

  void appended(std::span<const uint8_t> text) {
    model_.insert(model_.end(), text.begin(), text.end());
    written_ += static_cast<uint32_t>(text.size());
  }

  void sends() {
    const auto unsent = static_cast<uint32_t>(model_.size()) - sent_;
    if (unsent == 0) return;
    const uint32_t n = random_.below(3) == 0 ? unsent : 1 + random_.below(std::min(unsent, 1460U));
    const auto from = model_.begin() + sent_;
    EXPECT_EQ(read(q_.unsent, n, w_.cx), Octets(from, from + n));
    advance(q_.unsent, n, w_.cx);
    sent_ += n;
  }

  void is_acknowledged() {
    if (sent_ == 0) return;
    // Often all that was sent: the cursor of the unsent stands where nothing is left.
    const uint32_t n = random_.below(3) == 0 ? sent_ : 1 + random_.below(sent_);
    release_front(q_, ByteCount{n}, w_.cx);
    model_.erase(model_.begin(), model_.begin() + n);
    sent_ -= n;
  }

  void holds() {
    ASSERT_EQ(q_.queued, ByteCount{model_.size()});
    const auto n = static_cast<uint32_t>(std::min<size_t>(model_.size(), 2000));
    ASSERT_EQ(read(front(q_), n, w_.cx), Octets(model_.begin(), model_.begin() + n));
    ASSERT_EQ(q_.pieces, w_.cx.pieces.used());
    ASSERT_EQ(q_.head == kNone, q_.tail == kNone);
  }

  Random random_;
  test::World w_;
  SendQueue q_;
  std::deque<uint8_t> model_;  // from SND.UNA on
  std::deque<Octets> loans_;
  std::vector<uint64_t> lent_;
  uint32_t sent_ = 0, written_ = 0;
};

TEST(SendQueue, AnyLifeReadsWhatWasWritten_UC_SEND_09) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Life(seed).lives();
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace rapport::tcp
