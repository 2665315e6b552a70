// The attacker's hands: packets in, answers counted.
#include "attacker.hh"

#include "peer.hh"
#include "rapport/base/address.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/time.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/ipv6.hh"
#include "rapport/wire/tcp.hh"
#include "words.hh"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace rapport::scenario {

namespace {

constexpr uint32_t kFrameSize = 2048;
constexpr size_t kHeadroom = 64;

// TCP in a packet of either family; nothing of other packets.
wire::Segment segment_of(std::span<const uint8_t> bytes) {
  using wire::Checksum;
  if (const auto ip = wire::parse_ipv4(bytes); ip && ip->protocol == wire::kProtocolTcp) {
    const auto s = wire::parse_tcp(ip->payload, ip->source, ip->destination, Checksum::Verify);
    return s.value_or(wire::Segment{});
  }
  if (const auto ip = wire::parse_ipv6(bytes); ip && ip->next_header == wire::kProtocolTcp) {
    const auto s = wire::parse_tcp(ip->payload, ip->source, ip->destination, Checksum::Verify);
    return s.value_or(wire::Segment{});
  }
  return {};
}

}  // namespace

Attacker::Attacker(Peer& t)
    : t_(t), frames_(std::make_unique<FramePool>(1, kFrameSize)), before_(t.stack().counters()) {}

uint32_t Attacker::sends(const Seg& s) {
  return sends_packet(t_.packet_of(s));
}

uint32_t Attacker::sends_packet(const std::vector<uint8_t>& packet) {
  Frame frame = frames_->allocate(kHeadroom);
  frame.reshape(kHeadroom, packet.size());
  std::ranges::copy(packet, frame.data());
  t_.stack().receive(std::span(&frame, 1), t_.now());
  ++sent_;
  octets_sent_ += packet.size();
  const uint32_t drawn = collects();
  most_drawn_ = std::max(most_drawn_, drawn);
  return drawn;
}

uint32_t Attacker::collects() {
  uint32_t drawn = 0;
  while (const Frame frame = t_.stack().next_frame()) {
    ++drawn;
    octets_drawn_ += frame.bytes().size();
    last_ = segment_of(frame.bytes());
    last_.text = {};
  }
  drawn_ += drawn;
  return drawn;
}

void Attacker::waits(Duration d) {
  (void)collects();
  const uint64_t before = counters().frames_sent;
  t_.after(d).may_have_said_anything();
  drawn_ += counters().frames_sent - before;
}

uint64_t Attacker::dropped(DropReason r) const {
  return counters().dropped(r) - before_.dropped(r);
}

const tcp::Counters& Attacker::counters() const {
  return t_.stack().counters();
}

Endpoint stranger(uint32_t n) {
  constexpr uint32_t kHosts = 200;
  const auto last = static_cast<uint8_t>(20 + n % kHosts);
  return {IpAddress::v4(10, 0, 0, last), static_cast<uint16_t>(1024 + n / kHosts % 60'000)};
}

}  // namespace rapport::scenario
