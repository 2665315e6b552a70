// Socket: one UDP socket, and the intrusive lists that it is in.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/linked_list.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/slab.hh"
#include "rapport/udp/commands.hh"
#include "rapport/udp/queue.hh"

#include <cstdint>

namespace rapport::udp {

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

}  // namespace rapport::udp
