// SACK and D-SACK beyond the state tables (RFC 2018, RFC 2883): which runs are reported, what a
// duplicate is reported as, and what a sender makes of such a report.
#include "answers.hh"
#include "scenario.hh"

#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>
#include <random>

namespace rapport::scenario {

namespace {

const With kSack{.sack = true};

constexpr uint32_t kSlots = 40;

// Which slots of ten octets behind a hole have come; slot 0 never does.
using Slots = std::array<bool, kSlots + 1>;

// The block is a whole run: all of it has come, its neighbours have not.
bool is_a_run(const Slots& come, Seq base, const wire::SackBlock& b) {
  const uint32_t left = (b.left - base).v / 10;
  const uint32_t right = (b.right - base).v / 10;
  if (left == 0 || right <= left || right > kSlots) return false;
  if (b.left != base + ByteCount{left * 10} || b.right != base + ByteCount{right * 10})
    return false;
  const auto at = [&come](uint32_t n) { return come.begin() + n; };
  return std::all_of(at(left), at(right), [](bool c) { return c; }) && !come[left - 1]
         && !come[right];
}

uint32_t runs_in(const Slots& come) {
  uint32_t runs = 0;
  for (uint32_t i = 1; i < kSlots; ++i) runs += come[i] && !come[i - 1] ? 1 : 0;
  return runs;
}

bool contains(const wire::SackBlock& b, Seq s) {
  return at_or_before(b.left, s) && before(s, b.right);
}

void has_sent(Peer& t, uint32_t segments) {
  const Seq from = t.snd_nxt();
  t.calls_send(t.largest_text() * segments);
  for (uint32_t i = 0; i < segments; ++i) {
    t.says(data(t.largest_text()).seq(from + t.largest_text() * i));
  }
}

}  // namespace

SCENARIO_TEST(
    "ESTABLISHED: each block is a run of what has come, whole and alone [R2018-7, R2018-4]") {
  auto t = peer::in_established(kSack);
  std::array<uint32_t, kSlots - 1> order{};
  std::iota(order.begin(), order.end(), 1U);
  std::shuffle(order.begin(), order.end(), std::mt19937(static_cast<uint32_t>(story_seed())));
  const Seq base = t.rcv_nxt();
  Slots come{};
  for (const uint32_t slot : order) {
    const Seq at = base + ByteCount{slot * 10};
    come[slot] = true;
    t.hears(data(10_B).seq(at)).says(ack(base));
    const auto& o = t.heard().options;
    t.holds(o.sack_count == std::min(runs_in(come), t.timestamps_agreed() ? 3U : 4U),
            "as many as there are and fit");
    t.holds(contains(o.sack[0], at), "the first holds what has just come");
    for (uint32_t i = 0; i < o.sack_count; ++i) {
      t.holds(is_a_run(come, base, o.sack[i]), "a block is a run");
      for (uint32_t j = 0; j < i; ++j) t.holds(o.sack[i].left != o.sack[j].left, "told once");
    }
  }
}

SCENARIO_TEST("ESTABLISHED: a duplicate inside a run: it first, then the run [R2883-3, R2883-1]") {
  auto t = peer::in_established(kSack);
  const Seq next = t.rcv_nxt();
  t.hears(data(40_B).seq(next + 20_B)).says(ack(next).sack({{next + 20_B, next + 60_B}}));
  t.hears(data(10_B).seq(next + 30_B));
  t.says(ack(next).sack({{next + 30_B, next + 40_B}, {next + 20_B, next + 60_B}}));
  t.hears(data(10_B).seq(next + 100_B));  // the next one reports no duplicate
  t.says(ack(next).sack({{next + 100_B, next + 110_B}, {next + 20_B, next + 60_B}}));
}

SCENARIO_TEST("ESTABLISHED: of a segment partly there only that part is a duplicate [R2883-4]") {
  auto t = peer::in_established(kSack);
  takes_text(t, 20_B);
  const Seq next = t.rcv_nxt();
  t.hears(data(20_B).seq(next - 10_B)).says(ack(next + 10_B).sack({{next - 10_B, next}}));
  if (t.has_more_to_say()) t.says(ack(next + 10_B).no_sack());
  const Seq now = next + 10_B;
  t.hears(data(20_B).seq(now + 20_B)).says(ack(now).sack({{now + 20_B, now + 40_B}}));
  t.hears(data(20_B).seq(now + 30_B));
  t.says(ack(now).sack({{now + 30_B, now + 40_B}, {now + 20_B, now + 50_B}}));
  t.hears(data(25_B).seq(now)).says(ack(now + 50_B).sack({{now + 20_B, now + 25_B}}));
}

SCENARIO_TEST(
    "ESTABLISHED: what PAWS refuses is no duplicate that is reported [R2883-6, R7323-19]") {
  auto t = peer::in_established({.sack = true, .timestamps = true});
  takes_text(t, 20_B);
  const Seq next = t.rcv_nxt();
  const uint32_t old = t.tsval_now() - 1;
  t.hears(data(10_B).seq(next - 20_B).ts(old, t.tsval_of_stack())).says(ack(next).no_sack());
  t.dropped_as(DropReason::PawsRejected);
  t.hears(data(10_B).seq(next - 20_B)).says(ack(next).sack({{next - 20_B, next - 10_B}}));
}

SCENARIO_TEST("ESTABLISHED: the report of a duplicate below SND.UNA tells of no loss [R2883-5]") {
  auto t = peer::in_established(kSack);
  t.calls_send(100_B).says(data(100_B)).hears(ack()).says_nothing();
  has_sent(t, 5);
  const Seq una = t.snd_una();
  for (int i = 0; i < 5; ++i) t.hears(ack(una).sack({{una - 50_B, una - 40_B}})).says_nothing();
  const ByteCount full = t.largest_text();
  const wire::SackBlock run{una + full, una + full * 2};
  t.hears(ack(una).sack({run})).says_nothing();
  for (int i = 0; i < 5; ++i) {  // with a hole reported before it is the same
    t.hears(ack(una).sack({{una - 50_B, una - 40_B}, run})).says_nothing();
  }
  t.holds(t.stack().counters().fast_retransmissions == 0, "nothing was sent again");
}

SCENARIO_TEST("ESTABLISHED: the report of a duplicate within the next block neither [R2883-5]") {
  auto t = peer::in_established(kSack);
  has_sent(t, 5);
  const Seq una = t.snd_una();
  const ByteCount full = t.largest_text();
  const wire::SackBlock run{una + full, una + full * 2};
  t.hears(ack(una).sack({run})).says_nothing();
  for (uint32_t i = 0; i < 5; ++i) {
    const Seq left = una + full + 10_B * i;
    t.hears(ack(una).sack({{left, left + 10_B}, run})).says_nothing();
  }
  t.holds(t.stack().counters().fast_retransmissions == 0, "nothing was sent again");
  for (uint32_t i = 3; i <= 4; ++i) {  // what is news counts still: the second and the third
    t.hears(ack(una).sack({{una + full, una + full * i}})).may_have_said_anything();
  }
  t.holds(t.stack().counters().fast_retransmissions == 1, "the third duplicate");
}

}  // namespace rapport::scenario
