// Neighbours of one Ethernet interface, both families: from a next hop to a MAC address (ARP, RFC
// 826, 1122 2.3.2; neighbour discovery, RFC 4861 7.2, 7.3), and the check of our own addresses (RFC
// 4862 5.4, 5227). Pure: time, frames and messages come in as arguments; what is to be sent comes
// out as values. Not its own: routes (the next hop is given) and joining multicast groups.
// After any input take messages, released and failed frames until there are none.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/mac.hh"
#include "rapport/base/random.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/ip/neighbour_cache.hh"
#include "rapport/ip/neighbour_message.hh"
#include "rapport/ip/own_addresses.hh"
#include "rapport/ip/ring.hh"
#include "rapport/wire/arp.hh"
#include "rapport/wire/ndp.hh"

#include <cstdint>
#include <optional>

namespace rapport::ip {

// The constants of RFC 4861 10; ARP goes by the same (RFC 1122 2.3.2.1 asks only for an end).
struct NeighbourConfig {
  uint32_t cap = 512;                // entries; at the cap the least recently used gives way
  Duration base_reachable = 30_s;    // times 0.5 to 1.5, drawn anew every two hours
  Duration delay_first_probe = 5_s;  // in DELAY
  Duration retransmit = 1_s;         // between solicitations for one target
  uint8_t multicast_solicitations = 3;
  uint8_t unicast_solicitations = 3;
  uint32_t messages = 128;  // that wait to be taken; more are not made
  AddressCheckConfig check{};
};

class Neighbours {
 public:
  // `seed` fixes every draw and the key of the table.
  Neighbours(const NeighbourConfig& config, const MacAddress& ours, uint64_t seed);
  Neighbours(const Neighbours&) = delete;
  Neighbours& operator=(const Neighbours&) = delete;

  // --- what is sent ---------------------------------------------------------------------------
  enum class Verdict : uint8_t {
    Known,   // send it to `mac` now
    Held,    // taken: it will come out released or failed, or give way to a later one
    Failed,  // it cannot be asked for: still the caller's
  };

  struct Resolution {
    Verdict verdict = Verdict::Failed;
    MacAddress mac;
    // Held: NeighbourReplaced, when an older packet was dropped for this one (RFC 1122 2.3.2.2);
    // NeighbourEvicted, when the oldest question and its packet gave way to this one (RFC 6583).
    // Failed: NeighbourCacheFull, or NoRoute: no usable address of ours to ask from.
    DropReason reason = DropReason::None;
  };

  // `packet`: a whole IP packet, from its first octet; taken only when Held. Groups and 255.255.
  // 255.255 are known without asking; a network's broadcast address is the caller's to tell.
  [[nodiscard]] Resolution resolve(const IpAddress& next_hop, Frame& packet, Instant now);
  // The upper layer makes progress with this neighbour: it is reachable (7.3.1).
  void confirm(const IpAddress& next_hop, Instant now);

  // --- what is heard --------------------------------------------------------------------------
  // Parsed, from others. None: something was learned or is answered. Else NeighbourIgnored,
  // NeighbourThrottled (no room for the answer), AddressConflict (somebody speaks as one of ours).
  [[nodiscard]] DropReason hear_arp(const wire::Arp& arp, Instant now);
  // `source` of the packet; `from`: the frame's sender, who is answered if no option names it.
  [[nodiscard]] DropReason hear_solicitation(const wire::Solicitation& s, const IpAddress& source,
                                             const MacAddress& from, Instant now);
  [[nodiscard]] DropReason hear_advertisement(const wire::Advertisement& a, Instant now);

  // --- our own addresses ----------------------------------------------------------------------
  [[nodiscard]] bool begin_check(const IpAddress& address, Instant now) {
    return own_.begin_check(address, now);
  }

  [[nodiscard]] bool assume(const IpAddress& address) { return own_.assume(address); }

  void remove(const IpAddress& address) { own_.remove(address); }

  [[nodiscard]] AddressState state_of(const IpAddress& address) const {
    return own_.state_of(address);
  }

  // The next address whose check has ended; false when there is none.
  [[nodiscard]] bool next_settled(IpAddress& address, AddressState& state) {
    return own_.next_settled(address, state);
  }

  // --- time -----------------------------------------------------------------------------------
  // What is due, in bounded steps: while next_deadline() <= now, take what came out and call again.
  void expire(Instant now);
  [[nodiscard]] Instant next_deadline() const;

  // --- what comes out -------------------------------------------------------------------------
  // build_neighbour_frame() makes a frame of it.
  [[nodiscard]] bool next_message(NeighbourMessage& out) { return messages_.pop(out); }

  // A packet that waited and may now go to `mac`.
  [[nodiscard]] bool next_released(Frame& packet, MacAddress& mac);

  // A packet whose next hop did not answer (NeighbourUnreachable): its sender is told "host
  // unreachable" (RFC 1122 2.3.2.2) or "address unreachable" (RFC 4861 7.2.2).
  [[nodiscard]] bool next_failed(Frame& packet) { return failed_.pop(packet); }

  // --- questions ------------------------------------------------------------------------------
  struct View {
    NeighbourState state;
    MacAddress mac;
    bool is_router;
  };

  [[nodiscard]] std::optional<View> look(const IpAddress& address, Instant now) const;

  [[nodiscard]] uint32_t size() const { return cache_.size(); }

  // Calls add(to, field) for every field that the future depends on (Stack::fingerprint).
  void fingerprint(void (*add)(void* to, uint64_t field), void* to) const;

 private:
  struct Released {
    Frame packet;
    MacAddress mac;
  };

  [[nodiscard]] uint32_t find(const IpAddress& address, Instant now);
  Resolution hold(uint32_t i, Frame& packet);
  [[nodiscard]] IpAddress source_for(const IpAddress& next_hop, const Frame& packet) const;
  [[nodiscard]] bool solicit(uint32_t i);
  void fire(uint32_t i, Instant now);
  void fail(uint32_t i);
  void release(uint32_t i, Instant now);
  void become_reachable(uint32_t i, Instant now);
  void become_stale(uint32_t i);
  void become_delay(uint32_t i, Instant now);
  void learn(const IpAddress& sender, const MacAddress& mac, bool may_add, Instant now);
  void learn_from_reply(uint32_t i, const MacAddress& mac, Instant now);
  void learn_address(uint32_t i, const MacAddress& mac, Instant now);
  [[nodiscard]] DropReason say(const NeighbourMessage& message);
  [[nodiscard]] Duration reachable_time(Instant now);

  NeighbourConfig config_;
  MacAddress ours_;
  Random random_;
  OwnAddresses own_;
  NeighbourCache cache_;
  Ring<NeighbourMessage> messages_;
  Ring<Released> released_;
  Ring<Frame> failed_;
  Duration reachable_{};
  Instant reachable_drawn_until_;
};

}  // namespace rapport::ip
