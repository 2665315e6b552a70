// The SYN queue: HalfOpen entries in lists by their number of repetitions, each in the order of
// age; how one leaves, and who gives way when there is no room (RFC 4987 3.4). What they hear and
// say is in half_open.cc.
#include "rapport/base/handle.hh"
#include "rapport/tcp/lifecycle.hh"
#include "rapport/tcp/passive.hh"
#include "rapport/tcp/state.hh"

#include <algorithm>
#include <cstdint>

namespace rapport::tcp {

void remove_half_open(uint32_t index, Event event, Context& cx) {
  const HalfOpen& h = cx.half_open[index];
  advance({State::SynReceived, event, Origin::Passive}, h.key, Handle{}, cx);
  if (h.suspended != kNone) forget_suspended(h.suspended, cx);
  cx.table.erase(hash_of(cx.flow_key, h.key).tag, {Tier::HalfOpen, index});
  cx.half_open_lists[h.retries].remove(index, cx.half_open);
  --cx.listeners[h.listener].half_open;
  cx.half_open.release(index);
}

// More repetitions mean older, and each list is in the order of age.
bool evict_half_open(uint32_t listener, Context& cx) {
  uint32_t looks = 0;
  for (uint32_t retries = kHalfOpenLists; retries-- > 0;) {
    uint32_t i = cx.half_open_lists[retries].head;
    for (; i != kNone && looks < kEvictionLooks; i = cx.half_open[i].links.next) {
      ++looks;
      const HalfOpen& h = cx.half_open[i];
      if (listener != kNone && h.listener != listener) continue;
      ++cx.counters.half_open_evicted;
      if (h.suspended != kNone) {
        restore_time_wait(i, cx);  // a SYN that nobody stands by ends no TIME-WAIT
      } else {
        remove_half_open(i, Event::Evicted, cx);
      }
      return true;
    }
  }
  return false;
}

Instant next_half_open_deadline(const Context& cx) {
  Instant next = kNever;
  if (cx.half_open.used() == 0) return next;
  for (const HalfOpenList& list : cx.half_open_lists) {
    if (list.head != kNone) next = std::min(next, instant_of(cx.half_open[list.head].deadline, cx));
  }
  return std::max(next, cx.half_open_wait);
}

}  // namespace rapport::tcp
