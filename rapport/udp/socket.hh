// Socket: one UDP socket, and the intrusive lists that it is in.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/slab.hh"
#include "rapport/udp/commands.hh"
#include "rapport/udp/queue.hh"

#include <cstdint>

namespace rapport::udp {

struct Links {
  uint32_t next = kNone, prev = kNone;
};

struct Socket {
  Links in_port;    // those with a port of the same bucket
  Links in_events;  // those with something to tell
  Links in_stuck;   // those whose SendTo would have blocked
  uint32_t generation = 0;
  uint32_t tag = 0;  // of a connected one, in the table
  Endpoint local;
  Endpoint remote;  // unspecified: not connected
  uint64_t cookie = 0;
  Options options;
  Queue queue;
  uint16_t events = 0;            // bits of What, to be told
  bool chose_local = false;       // the address was chosen when it was connected
  bool stuck = false;             // a SendTo would have blocked
  Error trouble = Error::kCount;  // what ICMP told a connected one; kCount: nothing
  Error last_error = Error::kCount;
  Endpoint last_error_remote;
  uint64_t received = 0, sent = 0, dropped = 0, errors = 0;

  [[nodiscard]] bool connected() const { return remote.port != 0; }
};

using SocketSlab = Slab<Socket, Reuse::OldestFirst>;

// A doubly linked list through one of the Links.
template <Links Socket::* kLinks>
struct SocketList {
  uint32_t head = kNone, tail = kNone;

  void push_back(uint32_t i, SocketSlab& slab) {
    slab[i].*kLinks = {kNone, tail};
    (tail == kNone ? head : (slab[tail].*kLinks).next) = i;
    tail = i;
  }

  void push_front(uint32_t i, SocketSlab& slab) {
    slab[i].*kLinks = {head, kNone};
    (head == kNone ? tail : (slab[head].*kLinks).prev) = i;
    head = i;
  }

  void remove(uint32_t i, SocketSlab& slab) {
    const Links at = slab[i].*kLinks;
    (at.prev == kNone ? head : (slab[at.prev].*kLinks).next) = at.next;
    (at.next == kNone ? tail : (slab[at.next].*kLinks).prev) = at.prev;
    slab[i].*kLinks = {};
  }
};

}  // namespace rapport::udp
