// Comparing: in which fields a packet that was seen is not the one that a script expects. Strict:
// every field that the script states. What a profile lets pass is decided elsewhere (rules.hh), on
// what is found here. Time is the runner's.
#pragma once

#include "rapport/play/flow.hh"
#include "rapport/play/packet.hh"
#include "rapport/play/seen.hh"

#include <cstdint>
#include <initializer_list>
#include <string>

namespace rapport::play {

enum class Field : uint8_t {
  Kind,   // another protocol, or unreadable: then nothing else is compared
  Flow,   // other addresses or ports
  Ip,     // ECN, TOS, DSCP, TTL, flow label
  Flags,  // the control bits
  Sequence,
  Ack,
  Length,       // of the payload
  Window,       // as on the wire
  Urgent,       // the pointer
  Options,      // one is missing, too many or wrong
  OptionOrder,  // the right ones, in another order or with other padding
  Content,      // of the payload
  Message,      // of ICMP
  Time,
};

struct Differences {
  uint32_t bits = 0;

  [[nodiscard]] bool none() const { return bits == 0; }

  [[nodiscard]] bool has(Field f) const { return (bits >> static_cast<unsigned>(f) & 1U) != 0; }

  void add(Field f) { bits |= 1U << static_cast<unsigned>(f); }

  void drop(Field f) { bits &= ~(1U << static_cast<unsigned>(f)); }

  // Nothing but these.
  [[nodiscard]] bool only(std::initializer_list<Field> fields) const {
    Differences rest = *this;
    for (const Field f : fields) rest.drop(f);
    return rest.none() && !none();
  }
};

// Apart from content and time.
[[nodiscard]] Differences compare(const Packet& wanted, const Seen& seen, const Flow& flow);

// The packet as a script would write it: "F. 1:1(0) ack 2 win 502 <nop,nop,TS val 1 ecr 2>", with
// the flow's numbers; `ip`: with what stands in the IP header.
[[nodiscard]] std::string packet_text(const Seen& seen, const Flow& flow, bool ip);

// "flags and ack": for people.
[[nodiscard]] std::string fields_text(Differences d);

}  // namespace rapport::play
