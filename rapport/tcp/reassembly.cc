// The sorted list of out-of-order runs (RFC 9293 3.10.7.4, SHLD-31; RFC 2018 3, 4; RFC 2883 4).
// Runs are disjoint, do not touch, lie beyond RCV.NXT, and stand in one block: at most 511.
#include "rapport/base/handle.hh"
#include "rapport/base/seq.hh"
#include "rapport/tcp/receive_queue.hh"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace rapport::tcp {

namespace {

SeqRange* runs_of(const ReceiveQueue& q, const Context& cx) {
  return reinterpret_cast<SeqRange*>(const_cast<uint8_t*>(cx.blocks[q.holes].octets));
}

// The first run whose right edge is at or after `s`.
uint32_t first_reaching(const ReceiveQueue& q, Seq s, const Context& cx) {
  const SeqRange* runs = runs_of(q, cx);
  const SeqRange* found = std::lower_bound(
      runs, runs + q.runs, s, [](const SeqRange& r, Seq v) { return before(r.right, v); });
  return static_cast<uint32_t>(found - runs);
}

// Runs [from, to) give way to one; `runs` stays sorted.
void replace_runs(ReceiveQueue& q, uint32_t from, uint32_t to, SeqRange with, Context& cx) {
  SeqRange* runs = runs_of(q, cx);
  const uint32_t removed = to - from;
  cx.counters.runs_touched += removed + (q.runs - to) + 1;
  std::memmove(runs + from + 1, runs + to, (q.runs - to) * sizeof(SeqRange));
  runs[from] = with;
  q.runs = q.runs + 1 - removed;
}

// The newest report moves to the front; points inside the same run are the same report.
void note_recent(ReceiveQueue& q, const SeqRange& run) {
  decltype(q.recent) fresh{run.left};
  uint32_t count = 1;
  for (uint32_t i = 0; i < q.recent_count && count < fresh.size(); ++i) {
    if (!run.contains(q.recent[i])) fresh[count++] = q.recent[i];
  }
  q.recent = fresh;
  q.recent_count = count;
}

void forget_recent_before(ReceiveQueue& q, Seq nxt) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < q.recent_count; ++i) {
    if (after(q.recent[i], nxt)) q.recent[kept++] = q.recent[i];
  }
  q.recent_count = kept;
}

}  // namespace

SeqRange run_at(const ReceiveQueue& q, uint32_t i, const Context& cx) {
  return runs_of(q, cx)[i];
}

ByteCount out_of_order(const ReceiveQueue& q, const Context& cx) {
  ByteCount sum;
  for (uint32_t i = 0; i < q.runs; ++i) sum += run_at(q, i, cx).length();
  return sum;
}

bool find_run(const ReceiveQueue& q, Seq point, SeqRange& out, const Context& cx) {
  if (q.runs == 0) return false;
  const uint32_t i = first_reaching(q, point + 1_B, cx);
  if (i == q.runs) return false;
  out = run_at(q, i, cx);
  return out.contains(point);
}

Inserted insert_run(ReceiveQueue& q, SeqRange range, Context& cx) {
  if (q.holes == kNone) {
    q.holes = cx.blocks.allocate();
    if (q.holes == kNone) return {};
  }
  const uint32_t from = q.runs == 0 ? 0 : first_reaching(q, range.left, cx);
  uint32_t to = from;
  SeqRange whole = range;
  SeqRange duplicate;
  while (to < q.runs && at_or_before(run_at(q, to, cx).left, range.right)) {
    const SeqRange r = run_at(q, to, cx);
    const SeqRange common{later(r.left, range.left), earlier(r.right, range.right)};
    if (duplicate.empty() && before(common.left, common.right)) duplicate = common;
    whole = {earlier(whole.left, r.left), later(whole.right, r.right)};
    ++to;
  }
  if (from == to && q.runs >= std::min(cx.config.max_out_of_order, 511U)) return {};
  replace_runs(q, from, to, whole, cx);
  note_recent(q, whole);
  return {true, duplicate};
}

Seq absorb_runs(ReceiveQueue& q, Seq nxt, Context& cx) {
  uint32_t taken = 0;
  while (taken < q.runs && at_or_before(run_at(q, taken, cx).left, nxt)) {
    nxt = later(nxt, run_at(q, taken, cx).right);
    ++taken;
  }
  if (taken > 0) {
    cx.counters.runs_touched += q.runs;
    SeqRange* runs = runs_of(q, cx);
    std::memmove(runs, runs + taken, (q.runs - taken) * sizeof(SeqRange));
    q.runs -= taken;
    forget_recent_before(q, nxt);
  }
  if (q.runs == 0 && q.holes != kNone) {
    cx.blocks.release(q.holes);
    q.holes = kNone;
  }
  return nxt;
}

}  // namespace rapport::tcp
