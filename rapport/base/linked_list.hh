// LinkedList: an intrusive doubly linked list by 32-bit index, through a member `Links` of what a
// slab or a vector holds. Every step is O(1). It owns nothing: who is in it is its user's business,
// and each may be in one list for each of its Links.
#pragma once

#include "rapport/base/handle.hh"

#include <cstdint>

namespace rapport {

struct Links {
  uint32_t next = kNone, prev = kNone;
};

// `kLinks`: a pointer to the member, such as &HalfOpen::links.
template <auto kLinks>
struct LinkedList {
  uint32_t head = kNone, tail = kNone;

  template <class S>
  void push_back(uint32_t i, S& slab) {
    slab[i].*kLinks = {kNone, tail};
    (tail == kNone ? head : (slab[tail].*kLinks).next) = i;
    tail = i;
  }

  template <class S>
  void push_front(uint32_t i, S& slab) {
    slab[i].*kLinks = {head, kNone};
    (head == kNone ? tail : (slab[head].*kLinks).prev) = i;
    head = i;
  }

  // `i` is in it.
  template <class S>
  void remove(uint32_t i, S& slab) {
    const Links at = slab[i].*kLinks;
    (at.prev == kNone ? head : (slab[at.prev].*kLinks).next) = at.next;
    (at.next == kNone ? tail : (slab[at.next].*kLinks).prev) = at.prev;
    slab[i].*kLinks = {};
  }
};

}  // namespace rapport
