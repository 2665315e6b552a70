// Reassembly of fragments (RFC 791, RFC 815; RFC 8200 4.5). What came of a datagram lies where it
// belongs in one buffer of 64 KiB; a bit for each eight octets says that they came, another that a
// fragment began there: so overlaps are seen, and told from exact copies (RFC 5722 4), without a
// list. Datagrams are few: the right one is found by looking at each.
#include "rapport/ip/reassembly.hh"

#include "rapport/base/assert.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/ipv6.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace rapport::ip {
namespace {

constexpr size_t room = 64;  // before the data, for a header
constexpr size_t slot_octets = room + 65536;
constexpr uint32_t longest = 65535;
constexpr uint32_t nowhere = UINT32_MAX;
constexpr uint8_t icmp = 1, tcp = 6, udp = 17;

// The bits from `from` to `to` of word `w`.
uint64_t mask(uint32_t w, uint32_t from, uint32_t to) {
  const uint32_t low = w * 64;
  const uint32_t a = std::max(from, low) - low;
  const uint32_t b = std::min(to, low + 64) - low;  // a < b <= 64
  const uint64_t below_b = b == 64 ? ~uint64_t{0} : (uint64_t{1} << b) - 1;
  return below_b & ~((uint64_t{1} << a) - 1);
}

template <class Bits>
bool any(const Bits& bits, uint32_t from, uint32_t to) {
  for (uint32_t w = from / 64; w * 64 < to; ++w) {
    if ((bits[w] & mask(w, from, to)) != 0) return true;
  }
  return false;
}

template <class Bits>
bool all(const Bits& bits, uint32_t from, uint32_t to) {
  for (uint32_t w = from / 64; w * 64 < to; ++w) {
    if ((~bits[w] & mask(w, from, to)) != 0) return false;
  }
  return true;
}

template <class Bits>
void set(Bits& bits, uint32_t from, uint32_t to) {
  for (uint32_t w = from / 64; w * 64 < to; ++w) bits[w] |= mask(w, from, to);
}

template <class Bits>
bool test(const Bits& bits, uint32_t unit) {
  return (bits[unit / 64] >> (unit % 64) & 1) != 0;
}

uint32_t units_up(uint32_t octets) {
  return (octets + 7) / 8;
}

// RFC 1858, RFC 7112: what a filter must see is in the first fragment. (IPv6 with extension headers
// behind the Fragment header: wire/ipv6 has looked.)
uint32_t least_first(uint8_t protocol) {
  switch (protocol) {
    case tcp: return 20;
    case udp:
    case icmp: return 8;
    default: return 0;
  }
}

Reassembly::Outcome dropped(DropReason reason) {
  return {.result = Reassembly::Result::Dropped, .packet = {}, .fault = {.reason = reason}};
}

// RFC 3168 5.3: CE survives; CE beside Not-ECT cannot be true.
constexpr uint8_t not_ect = 1U << 0, ect_1 = 1U << 1, ce = 1U << 3;

bool is_congestion_lie(uint8_t seen) {
  return (seen & ce) != 0 && (seen & not_ect) != 0;
}

uint8_t merged_ecn(uint8_t seen) {
  if ((seen & ce) != 0) return 3;
  if ((seen & not_ect) != 0) return 0;
  return seen == ect_1 ? 1 : 2;
}

}  // namespace

Reassembly::Reassembly(const ReassemblyConfig& config)
    : config_(config), space_(config.datagrams * slot_octets), slots_(config.datagrams) {
  ASSERT(config.datagrams >= 1 && config.datagrams <= kMaxDatagrams);
  ASSERT(config.octets >= longest);
  for (uint32_t i = 0; i < config.datagrams; ++i) by_age_[i] = static_cast<uint8_t>(i);
}

Reassembly::Outcome Reassembly::receive(const wire::Ipv4& ip, Instant now) {
  return receive(Piece{.source = ip.source,
                       .destination = ip.destination,
                       .id = ip.id,
                       .key_protocol = ip.protocol,
                       .protocol = ip.protocol,
                       .ttl = ip.ttl,
                       .dscp = ip.dscp,
                       .ecn = ip.ecn,
                       .flow_label = 0,
                       .offset = ip.fragment_offset,
                       .more = ip.more_fragments,
                       .counted_before = ip.header_length,
                       .offset_field = 0,
                       .data = ip.payload},
                 now);
}

Reassembly::Outcome Reassembly::receive(const wire::Ipv6& ip, Instant now) {
  constexpr auto fixed = static_cast<uint32_t>(wire::kIpv6Header + wire::kFragmentHeader);
  ASSERT(ip.header_length >= fixed);
  return receive(Piece{.source = ip.source,
                       .destination = ip.destination,
                       .id = ip.id,
                       .key_protocol = 0,
                       .protocol = ip.next_header,
                       .ttl = ip.hop_limit,
                       .dscp = ip.dscp,
                       .ecn = ip.ecn,
                       .flow_label = ip.flow_label,
                       .offset = ip.fragment_offset,
                       .more = ip.more_fragments,
                       .counted_before = ip.header_length - fixed,
                       .offset_field = ip.header_length - 6,
                       .data = ip.payload},
                 now);
}

// R1122-3.
Reassembly::Outcome Reassembly::receive(const Piece& piece, Instant now) {
  if (piece.data.empty()) return dropped(DropReason::FragmentEmpty);
  if (piece.more && piece.data.size() % 8 != 0) return dropped(DropReason::FragmentLength);
  if (piece.counted_before + piece.end() > longest) {  // 4.5: answered in IPv6
    Outcome out = dropped(DropReason::FragmentBeyond);
    out.fault.answer = !piece.source.is_v4() && !piece.destination.is_multicast();
    out.fault.code = wire::kProblemField;
    out.fault.pointer = piece.offset_field;
    return out;
  }
  if (piece.offset == 0 && piece.data.size() < least_first(piece.protocol)) {
    return dropped(DropReason::FragmentTiny);
  }
  Outcome out;
  uint32_t slot = find(piece);
  if (slot == nowhere) slot = add(piece, now, out);
  Datagram& d = slots_[slot];
  const DropReason why = check(d, piece);
  if (why != DropReason::None) {
    if (why != DropReason::FragmentDuplicate) give_up(d);
    out.result = Result::Dropped;
    out.fault.reason = why;
    return out;
  }
  make_room(piece.data.size(), slot, out);
  keep(slot, piece);
  if (d.end != 0 && d.units == units_up(d.end)) complete(slot, out);
  return out;
}

uint32_t Reassembly::find(const Piece& piece) const {
  for (uint32_t i = 0; i < count_; ++i) {
    const Piece& head = slots_[by_age_[i]].head;
    if (head.id == piece.id && head.source == piece.source && head.destination == piece.destination
        && head.key_protocol == piece.key_protocol) {
      return by_age_[i];
    }
  }
  return nowhere;
}

uint32_t Reassembly::add(const Piece& piece, Instant now, Outcome& out) {
  if (count_ == config_.datagrams) {
    if (!slots_[by_age_[0]].given_up) ++out.evicted;
    remove(by_age_[0]);
  }
  const uint32_t slot = by_age_[count_++];
  slots_[slot] = Datagram{};
  slots_[slot].head = piece;
  slots_[slot].head.data = {};
  slots_[slot].deadline = now + config_.timeout;
  return slot;
}

DropReason Reassembly::check(const Datagram& d, const Piece& piece) const {
  if (d.given_up) return DropReason::FragmentOfDropped;
  if (is_copy(d, piece)) return DropReason::FragmentDuplicate;
  const uint32_t end = piece.end();
  // RFC 815: the last one says where the datagram ends; nothing may say otherwise.
  const bool past_end = d.end != 0 && (piece.more ? end >= d.end : end != d.end);
  if (past_end || (!piece.more && end < d.highest)) return DropReason::FragmentInconsistent;
  if (any(d.have, piece.offset / 8, units_up(end))) return DropReason::FragmentOverlap;
  if (d.fragments == config_.fragments) return DropReason::FragmentCap;
  return DropReason::None;
}

// The same octets with the same edges (RFC 8200 4.5: duplicates may be ignored).
bool Reassembly::is_copy(const Datagram& d, const Piece& piece) const {
  const uint32_t from = piece.offset / 8;
  const uint32_t to = units_up(piece.end());
  if (!all(d.have, from, to) || !test(d.starts, from)) return false;
  if (from + 1 < to && any(d.starts, from + 1, to)) return false;
  const bool goes_on = to < kUnits && test(d.have, to) && !test(d.starts, to);
  const bool same_end = piece.more ? piece.end() != d.end : piece.end() == d.end;
  if (goes_on || !same_end) return false;
  const auto slot = static_cast<uint32_t>(&d - slots_.data());
  return std::memcmp(data_of(slot) + piece.offset, piece.data.data(), piece.data.size()) == 0;
}

// At most as many go as there are.
void Reassembly::make_room(size_t wanted, uint32_t except, Outcome& out) {
  uint32_t i = 0;
  while (octets_ + wanted > config_.octets && i < count_) {
    const uint32_t slot = by_age_[i];
    if (slot == except || slots_[slot].given_up) {
      ++i;
    } else {
      ++out.evicted;
      remove(slot);
    }
  }
}

void Reassembly::keep(uint32_t slot, const Piece& piece) {
  Datagram& d = slots_[slot];
  const uint32_t from = piece.offset / 8;
  const uint32_t to = units_up(piece.end());
  std::memcpy(data_of(slot) + piece.offset, piece.data.data(), piece.data.size());
  set(d.have, from, to);
  set(d.starts, from, from + 1);
  if (piece.offset == 0) {
    d.head = piece;  // what the upper layer is, TTL and DSCP: as the first says
    d.head.data = {};
    d.has_first = true;
    d.first_length = piece.end();
  }
  if (!piece.more) d.end = piece.end();
  d.highest = std::max(d.highest, piece.end());
  d.ecn_seen = static_cast<uint8_t>(d.ecn_seen | 1U << piece.ecn);
  d.units += to - from;
  d.octets += piece.data.size();
  octets_ += piece.data.size();
  ++d.fragments;
}

void Reassembly::complete(uint32_t slot, Outcome& out) {
  const Datagram& d = slots_[slot];
  if (is_congestion_lie(d.ecn_seen)) {
    out.result = Result::Dropped;
    out.fault.reason = DropReason::FragmentCongestion;
  } else {
    out.result = Result::Complete;
    out.packet = with_header(slot, d.end, false);
  }
  remove(slot);
}

// Its octets are free; it stays, to know what still comes of it (RFC 5722 4).
void Reassembly::give_up(Datagram& d) {
  octets_ -= d.octets;
  d.octets = 0;
  d.given_up = true;
}

void Reassembly::remove(uint32_t slot) {
  octets_ -= slots_[slot].octets;
  slots_[slot].octets = 0;
  auto* const at = std::find(by_age_.begin(), by_age_.begin() + count_, slot);
  std::rotate(at, at + 1, by_age_.begin() + count_);
  --count_;
}

// A header right before the data: of the whole packet or, with `more`, of its first fragment.
std::span<const uint8_t> Reassembly::with_header(uint32_t slot, uint32_t length, bool more) {
  const Datagram& d = slots_[slot];
  const Piece& head = d.head;
  uint8_t* const data = data_of(slot);
  const uint8_t ecn = more ? head.ecn : merged_ecn(d.ecn_seen);
  if (head.source.is_v4()) {
    wire::Ipv4 ip;
    ip.source = head.source;
    ip.destination = head.destination;
    ip.protocol = head.protocol;
    ip.ttl = head.ttl;
    ip.dscp = head.dscp;
    ip.ecn = ecn;
    ip.dont_fragment = false;
    ip.more_fragments = more;
    ip.id = static_cast<uint16_t>(head.id);
    wire::build_ipv4(data - wire::kIpv4Header, ip, static_cast<uint16_t>(length));
    return {data - wire::kIpv4Header, wire::kIpv4Header + length};
  }
  wire::Ipv6 ip;
  ip.source = head.source;
  ip.destination = head.destination;
  ip.next_header = head.protocol;
  ip.hop_limit = head.ttl;
  ip.dscp = head.dscp;
  ip.ecn = ecn;
  ip.flow_label = head.flow_label;
  ip.more_fragments = more;
  ip.id = head.id;
  const size_t fragment_header = more ? wire::kFragmentHeader : 0;
  if (more) {
    wire::build_fragment_header(data - fragment_header, ip);
    ip.next_header = wire::kProtocolFragment;
  }
  uint8_t* const packet = data - fragment_header - wire::kIpv6Header;
  wire::build_ipv6(packet, ip, static_cast<uint16_t>(fragment_header + length));
  return {packet, wire::kIpv6Header + fragment_header + length};
}

uint8_t* Reassembly::data_of(uint32_t slot) const {
  return reinterpret_cast<uint8_t*>(space_.data()) + slot * slot_octets + room;
}

bool Reassembly::expire(Instant now, Expired& out) {
  while (count_ > 0 && slots_[by_age_[0]].deadline <= now) {
    const uint32_t slot = by_age_[0];
    const Datagram& d = slots_[slot];
    const bool given_up = d.given_up;  // nobody waits for it any more
    out = {.source = d.head.source, .destination = d.head.destination, .first = {}};
    if (!given_up && d.has_first) out.first = with_header(slot, d.first_length, true);
    remove(slot);
    if (!given_up) return true;
  }
  return false;
}

void Reassembly::fingerprint(void (*give)(void* to, uint64_t field), void* to) const {
  const auto put = [&](auto value) { give(to, static_cast<uint64_t>(value)); };
  for (uint32_t i = 0; i < count_; ++i) {
    const Datagram& d = slots_[by_age_[i]];
    const Piece& head = d.head;
    for (const IpAddress& a : {head.source, head.destination}) {
      for (const uint64_t word : a.words()) put(word);
    }
    put(uint64_t{head.id} << 32 | uint64_t{head.key_protocol} << 8 | head.protocol);
    put(uint64_t{head.ttl} << 16 | uint64_t{head.dscp} << 8 | head.ecn);
    put(d.given_up);
    put(d.has_first);
    put(d.ecn_seen);
    put(d.first_length);
    put(d.end);
    put(d.fragments);
    put(d.deadline.ns);
    for (uint32_t w = 0; w * 64 < units_up(d.highest); ++w) {
      put(d.have[w]);
      put(d.starts[w]);
    }
  }
}

Instant Reassembly::next_deadline() const {
  return count_ == 0 ? kNever : slots_[by_age_[0]].deadline;
}

}  // namespace rapport::ip
