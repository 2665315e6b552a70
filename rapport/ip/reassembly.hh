// Reassembly: fragments of either family become whole packets again (RFC 791 3.2, RFC 815, RFC 1122
// 3.3.2; RFC 8200 4.5, RFC 5722). Owns the octets of unfinished datagrams and their caps; knows
// neither a clock nor who is told of failures. Overlapping fragments cost the whole datagram and
// what still comes of it; an exact copy of a fragment is ignored.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/slab.hh"
#include "rapport/base/time.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/ipv6.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace rapport::ip {

struct ReassemblyConfig {
  uint32_t datagrams = 16;   // unfinished at once, 1..64; at the cap the oldest goes
  uint32_t fragments = 256;  // of one datagram; one more and it is given up
  size_t octets = 524'288;   // held in all, at least 65,535; beyond, the oldest go
  Duration timeout = 60_s;   // from the first that came (RFC 8200 4.5; RFC 1122: 60 to 120 s)
};

class Reassembly {
 public:
  explicit Reassembly(const ReassemblyConfig& config);

  enum class Result : uint8_t { Waiting, Complete, Dropped };

  struct Outcome {
    Result result = Result::Waiting;
    // Complete: the packet, behind a new header without fragmentation, options and extension
    // headers; valid until the next call. TTL and DSCP are the first fragment's, ECN is merged.
    std::span<const uint8_t> packet;
    // Dropped: why, and whether IPv6 wants a Parameter Problem about this fragment.
    wire::Ipv6Fault fault;
    uint32_t evicted = 0;  // other datagrams that had to make room: FragmentEvicted, each
  };

  // `ip`: parsed, ours, and a fragment. Reasons: FragmentEmpty, FragmentLength, FragmentBeyond,
  // FragmentTiny (the first without the upper-layer header), FragmentDuplicate: this fragment
  // alone. FragmentInconsistent (about where the datagram ends), FragmentOverlap, FragmentCap,
  // FragmentCongestion (CE on some, Not-ECT on others): the datagram. FragmentOfDropped: it was
  // given up before.
  [[nodiscard]] Outcome receive(const wire::Ipv4& ip, Instant now);
  [[nodiscard]] Outcome receive(const wire::Ipv6& ip, Instant now);

  // A datagram whose time is up (FragmentTimedOut).
  struct Expired {
    IpAddress source, destination;
    // The first fragment, its header made anew without options and extension headers; valid until
    // the next call. Empty when it never came: then nobody is told (RFC 1122 3.3.2, RFC 8200 4.5).
    std::span<const uint8_t> first;
  };

  // Takes one such out; false when there is none. Call again until false.
  [[nodiscard]] bool expire(Instant now, Expired& out);
  // When the oldest is due; kNever when there is none.
  [[nodiscard]] Instant next_deadline() const;

  // Unfinished datagrams, those given up and remembered included; octets that they hold.
  [[nodiscard]] uint32_t datagrams() const { return count_; }

  [[nodiscard]] size_t octets() const { return octets_; }

  // Calls give(to, field) for every number that the future depends on (Stack::fingerprint);
  // the octets themselves are left out.
  void fingerprint(void (*give)(void* to, uint64_t field), void* to) const;

 private:
  static constexpr uint32_t kMaxDatagrams = 64;
  static constexpr size_t kUnits = 8192;  // of eight octets
  using Units = std::array<uint64_t, kUnits / 64>;

  // A fragment, whatever its family.
  struct Piece {
    IpAddress source, destination;
    uint32_t id = 0;
    uint8_t key_protocol = 0;  // part of the key in IPv4 only
    uint8_t protocol = 0;
    uint8_t ttl = 0, dscp = 0, ecn = 0;
    uint32_t flow_label = 0;
    uint32_t offset = 0;
    bool more = false;
    uint32_t counted_before = 0;  // octets of headers that count towards 65,535
    uint32_t offset_field = 0;    // where the Fragment Offset stands in the packet
    std::span<const uint8_t> data;

    [[nodiscard]] uint32_t end() const { return offset + static_cast<uint32_t>(data.size()); }
  };

  struct Datagram {
    Piece head;  // its key; of the first fragment also the rest (without data)
    bool given_up = false;
    bool has_first = false;
    uint8_t ecn_seen = 0;  // one bit for each codepoint
    uint32_t first_length = 0;
    uint32_t end = 0;      // 0: the last fragment has not come
    uint32_t highest = 0;  // the end of the furthest octet that came
    uint32_t fragments = 0;
    uint32_t units = 0;  // that came
    size_t octets = 0;
    Instant deadline;
    Units have{};    // units that came
    Units starts{};  // units at which a fragment began
  };

  [[nodiscard]] Outcome receive(const Piece& piece, Instant now);
  [[nodiscard]] uint32_t find(const Piece& piece) const;
  [[nodiscard]] uint32_t add(const Piece& piece, Instant now, Outcome& out);
  [[nodiscard]] DropReason check(const Datagram& d, const Piece& piece) const;
  [[nodiscard]] bool is_copy(const Datagram& d, const Piece& piece) const;
  void make_room(size_t wanted, uint32_t except, Outcome& out);
  void keep(uint32_t slot, const Piece& piece);
  void complete(uint32_t slot, Outcome& out);
  void give_up(Datagram& d);
  void remove(uint32_t slot);
  [[nodiscard]] std::span<const uint8_t> with_header(uint32_t slot, uint32_t length, bool more);
  [[nodiscard]] uint8_t* data_of(uint32_t slot) const;

  ReassemblyConfig config_;
  Reservation space_;
  std::vector<Datagram> slots_;
  std::array<uint8_t, kMaxDatagrams> by_age_{};  // slots: `count_` in use, oldest first, then free
  uint32_t count_ = 0;
  size_t octets_ = 0;
};

}  // namespace rapport::ip
