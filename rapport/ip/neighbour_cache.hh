// NeighbourCache: the entries of one interface, by address; the timer and the held packet of each;
// and which of them may give way when the cap is reached. What an event does to an entry is decided
// in neighbours.cc (RFC 4861 5.1, 7.3.2).
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/linked_list.hh"
#include "rapport/base/mac.hh"
#include "rapport/base/siphash.hh"
#include "rapport/base/time.hh"
#include "rapport/base/timer_wheel.hh"

#include <cstdint>
#include <vector>

namespace rapport::ip {

enum class NeighbourState : uint8_t { Incomplete, Reachable, Stale, Delay, Probe };

struct NeighbourEntry {
  IpAddress address;
  IpAddress source;  // of our solicitations
  MacAddress mac;    // known in all states but Incomplete
  NeighbourState state = NeighbourState::Incomplete;
  bool is_router = false;
  enum class List : uint8_t { None, Asked, Idle } list = List::None;  // see NeighbourCache
  uint8_t sent = 0;                                                   // solicitations in this state
  uint32_t next_in_bucket = kNone;
  Links links;  // in that list
  Instant reachable_until;
  TimerNode timer;
  Frame held;  // the latest packet that waits for `mac`
};

class NeighbourCache {
 public:
  // At most `cap` entries; all memory is taken now.
  NeighbourCache(uint32_t cap, const SipKey& key);
  NeighbourCache(const NeighbourCache&) = delete;
  NeighbourCache& operator=(const NeighbourCache&) = delete;

  // kNone when there is none.
  [[nodiscard]] uint32_t find(const IpAddress& address) const;
  // A new entry, Incomplete. At the cap the one that was used least recently gives way, unless all
  // are in use: then kNone.
  [[nodiscard]] uint32_t add(const IpAddress& address);
  // The oldest of the Incomplete, when they are as many as may be: half of the cap, so that whoever
  // scans a network drives out no more than that (RFC 6583 6.2). Else kNone.
  [[nodiscard]] uint32_t one_too_many() const;
  void remove(uint32_t i);

  [[nodiscard]] NeighbourEntry& operator[](uint32_t i) { return entries_[i]; }

  [[nodiscard]] const NeighbourEntry& operator[](uint32_t i) const { return entries_[i]; }

  // It may give way from now on: last of all, as just used; or first, as never used.
  void let_go_last(uint32_t i);
  void let_go_first(uint32_t i);
  // It may not: it is being probed.
  void hold(uint32_t i);

  void arm(uint32_t i, Instant at) { wheel_.arm(i, at); }

  void disarm(uint32_t i) { wheel_.disarm(i); }

  template <class Fire>
  void expire(Instant now, uint32_t budget, Fire&& fire) {
    (void)wheel_.advance(now, budget, fire);
  }

  [[nodiscard]] Instant next_deadline() const { return wheel_.next_due(); }

  [[nodiscard]] uint32_t size() const { return size_; }

  // Calls seen(entry): first of those that may give way, in the order in which they will; then of
  // the Incomplete, the oldest first; then of the others.
  template <class Seen>
  void each(Seen&& seen) const {
    for (uint32_t i = idle_.head; i != kNone; i = entries_[i].links.next) seen(entries_[i]);
    for (uint32_t i = asked_.head; i != kNone; i = entries_[i].links.next) seen(entries_[i]);
    for (const uint32_t first : buckets_) {
      for (uint32_t i = first; i != kNone; i = entries_[i].next_in_bucket) {
        if (entries_[i].list == NeighbourEntry::List::None) seen(entries_[i]);
      }
    }
  }

 private:
  struct Timers {
    std::vector<NeighbourEntry>* entries;

    TimerNode& operator()(uint32_t i) const { return (*entries)[i].timer; }
  };

  [[nodiscard]] uint32_t& bucket_of(const IpAddress& address);

  SipKey key_;
  std::vector<NeighbourEntry> entries_;  // number 0 is nobody
  std::vector<uint32_t> buckets_;
  TimerWheel<Timers> wheel_;
  uint32_t free_ = kNone;                     // a list by next_in_bucket
  LinkedList<&NeighbourEntry::links> idle_;   // those that may give way, the first to go first
  LinkedList<&NeighbourEntry::links> asked_;  // the Incomplete, the oldest first
  uint32_t asked_count_ = 0;
  uint32_t size_ = 0;
};

}  // namespace rapport::ip
