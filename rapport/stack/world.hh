// What a Stack is made of: TCP's context, UDP's sockets, IP's tables, and the packets of the burst
// at hand. Private to stack/.
#pragma once

#include "rapport/base/local_addresses.hh"
#include "rapport/base/random.hh"
#include "rapport/base/siphash.hh"
#include "rapport/ip/error_limit.hh"
#include "rapport/ip/neighbours.hh"
#include "rapport/ip/paths.hh"
#include "rapport/ip/reassembly.hh"
#include "rapport/stack/packet.hh"
#include "rapport/stack/stack.hh"  // IWYU pragma: export
#include "rapport/tcp/context.hh"  // IWYU pragma: export
#include "rapport/udp/sockets.hh"
#include "rapport/wire/icmp_error.hh"
#include "rapport/wire/icmpv6.hh"
#include "rapport/wire/ipv6.hh"
#include "rapport/wire/tcp.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

namespace rapport::stack {

inline constexpr size_t kBurst = 32;                        // packets that are prefetched together
inline constexpr uint32_t kTimersPerExpiry = 256;           // of all kinds, fired by one expire()
inline constexpr size_t kTouchPerTurn = size_t{64} * 1024;  // octets first touched by one turn
inline constexpr uint8_t kHasIpHeader = 255;  // Outgoing::protocol: nothing is to be added

// A packet of the burst whose headers have been read.
struct Parsed {
  wire::Segment segment;
  FlowKey key;
  tcp::FlowHash hash;
  uint32_t serial = 0;
  bool same_flow = false;  // as the one before it
};

// An Ethernet interface.
struct Link {
  Link(const ip::NeighbourConfig& config, const MacAddress& own, uint64_t seed)
      : mac(own), neighbours(config, own, seed) {}

  MacAddress mac;
  ip::Neighbours neighbours;
};

struct World;
// UDP's view of what surrounds it: datagrams.cc.
[[nodiscard]] udp::Outside outside_of(World& w);
void begin_address_checks(World& world);  // link.cc

struct World {
  World(const Config& settings, FramePool& pool);

  Config config;
  FramePool& frames;
  LocalAddresses locals;
  ip::Paths paths;
  tcp::Context cx;
  Random datagram_random;  // UDP's own, so that the draws of TCP stay what they are without it
  udp::Sockets sockets;
  ip::Reassembly reassembly;
  ip::ErrorLimit error_limit;
  std::deque<std::optional<Link>> links;                       // by interface; none: no Ethernet
  std::vector<uint8_t> scratch = std::vector<uint8_t>(65536);  // for messages in the making
  bool has_links = false;
  bool checks_begun = false;    // of our addresses there
  bool datagrams_wait = false;  // for room in the outbox
  uint32_t sweep_next = kNone;  // connections whose path may be larger again; kNone: no sweep
  std::array<Parsed, kBurst> parsed{};
  size_t parsed_count = 0;
  FlowKey last_key;  // of the last segment; no segment has this initial one
  tcp::FlowHash last_hash;
  SipLanes lanes{};              // of the flows that are being hashed
  Recorder* recorder = nullptr;  // who is told of everything; nullptr: nobody
  // Identifications of IPv4 (MAY-4): of what may not be fragmented any number does (RFC 6864 4.1),
  // and one that cannot be counted with tells nobody how many packets leave, such as challenge
  // ACKs. Other messages go by a count for each group of destinations.
  SipKey ip_id_key;
  uint64_t next_ip_id = 0;
  uint64_t ip_ids = 0;  // four at a time
  std::array<uint16_t, 64> message_ids{};

  // A number of IPv4's or IPv6's that nobody can foresee (RFC 7739 4).
  [[nodiscard]] uint16_t draw_ip_id() {
    const uint64_t at = next_ip_id++;
    if (at % 4 == 0) ip_ids = siphash24_words(ip_id_key, at, 0);
    return static_cast<uint16_t>(ip_ids >> (16 * (at % 4)));
  }

  void begin_turn(Instant now) {
    cx.set_time(now);
    if (cx.memory_grew) touch_ahead();
    if (has_links && !checks_begun) begin_address_checks(*this);
  }

  // IP has something to do as time passes: estimates, fragments, neighbours.
  [[nodiscard]] bool keeps_house() const {
    return has_links || sweep_next != kNone || reassembly.datagrams() != 0
           || paths.mtus().size() != 0;
  }

  [[nodiscard]] Link* link_of(uint16_t interface) {
    if (!has_links) return nullptr;
    std::optional<Link>& link = links[interface];
    return link ? &*link : nullptr;
  }

  [[gnu::cold]] void touch_ahead();
};

// --- link.cc: Ethernet --------------------------------------------------------------------------
void make_links(World& world);
void take_frame(World& world, const Frame& frame, uint16_t interface);
void take_discovery(World& world, const Packet& packet, const wire::Icmpv6& icmp);
// Our address that an IPv6 packet is for, by way of a group or not.
[[nodiscard]] uint16_t local_of(const World& world, const wire::Ipv6& ip, uint16_t interface);
// The frame of a packet, when its next hop is known; else a false one: it waits, or was dropped.
[[nodiscard]] Frame give_to_link(World& world, Frame&& packet, LocalId local,
                                 const IpAddress& remote);
// RFC 4861 7.3.1: what we send to this peer gets there.
void confirm_neighbour(World& world, const FlowKey& key);
[[nodiscard]] Frame next_from_links(World& world, uint16_t& interface);

// --- ingress.cc, flows.cc -----------------------------------------------------------------------
// Reads one packet: deals with it at once, or leaves a TCP segment in world.parsed.
void take_packet(World& world, std::span<const uint8_t> bytes, const Arrived& arrived);
void deliver_parsed(World& world);

// --- icmp.cc ------------------------------------------------------------------------------------
void take_icmp(World& world, const Packet& packet);
void take_icmpv6(World& world, const Packet& packet);
// Answers a packet with an ICMP error, where and as often as that is allowed.
void complain(World& world, const Packet& packet, Complaint complaint, const Problem& problem);
// An error about what we have sent from `local`, by ICMP or found out by ourselves. None: it was
// somebody's.
[[nodiscard]] DropReason tell_of_error(World& world, const wire::IcmpError& error, LocalId local);

// --- egress.cc ----------------------------------------------------------------------------------
// The IP header goes before a finished segment.
void finish_packet(World& world, Outgoing& out);
// Puts a message into the outbox, in fragments if need be: all of it (None), or nothing of it.
[[nodiscard]] DropReason send_message(World& world, const Message& message);
// False: the outbox or the pool would not hold its fragments even if it were empty.
[[nodiscard]] bool may_ever_leave(const World& world, const Message& message);

// --- housekeeping.cc ----------------------------------------------------------------------------
void keep_house(World& world);
[[nodiscard]] Instant next_housekeeping(const World& world);

}  // namespace rapport::stack
