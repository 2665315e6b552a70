// Fuzzes Ethernet, ARP and neighbour discovery with what is learned from them: the input is a row
// of records, length and octets: frames to be heard, or packets to send, time that passes and
// addresses to check. Caps hold, nothing is said beyond what was asked, no packet is lost.
#include "rapport/ip/neighbours.hh"

#include "rapport/base/address.hh"
#include "rapport/base/assert.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/mac.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/ip/neighbour_message.hh"
#include "rapport/wire/arp.hh"
#include "rapport/wire/ethernet.hh"
#include "rapport/wire/icmpv6.hh"
#include "rapport/wire/ipv6.hh"
#include "rapport/wire/ndp.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace rapport::ip {
namespace {

using Octets = std::span<const uint8_t>;

constexpr MacAddress ours{{2, 0, 0, 0, 0, 1}};
constexpr uint32_t cap = 4;
const IpAddress us4 = IpAddress::v4(10, 0, 0, 1);
constexpr IpAddress us6{{0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

NeighbourConfig small() {
  NeighbourConfig config;
  config.cap = cap;
  return config;
}

// A neighbourhood of sixteen addresses in either family; ours are among them.
IpAddress near(uint8_t which) {
  IpAddress a = (which & 0x80) != 0 ? us6 : us4;
  a.octets[15] = which & 15;
  return a;
}

class World {
 public:
  World() : n_(small(), ours, 1) { ASSERT(n_.assume(us4) && n_.assume(us6)); }

  void take(Octets record) {
    switch (record.empty() ? 0 : record[0] & 7) {
      case 0: wait(record); break;
      case 1: send(record); break;
      case 2: check(record); break;
      case 3: hear_ndp(record.subspan(1)); break;
      case 4:
        if (record.size() > 1) n_.confirm(near(record[1]), now_);
        break;
      default: hear(record.subspan(1));
    }
    ASSERT(n_.size() <= cap);
    drain();
    ASSERT(pool_.in_use() <= cap);
  }

  void end() {
    for (int i = 0; i < 60; ++i) pass(1_s);
    ASSERT(pool_.in_use() == 0);
  }

 private:
  void wait(Octets record) { pass(record.size() > 1 ? record[1] * 50_ms : 1_ms); }

  void pass(Duration d) {
    const Instant end = now_ + d;
    while (n_.next_deadline() <= end) {
      now_ = std::max(now_, n_.next_deadline());
      n_.expire(now_);
      drain();
    }
    now_ = end;
  }

  void send(Octets record) {
    if (record.size() < 2) return;
    Frame f = pool_.allocate(64);
    ASSERT(f);
    f.reshape(64, std::min<size_t>(record.size() - 1, 128));
    std::copy_n(record.begin() + 1, f.size(), f.data());
    const auto r = n_.resolve(near(record[1]), f, now_);
    ASSERT((r.verdict == Neighbours::Verdict::Held) == !f);
  }

  void check(Octets record) {
    if (record.size() < 2) return;
    if ((record[1] & 0x40) != 0) {
      n_.remove(near(record[1]));
    } else {
      (void)n_.begin_check(near(record[1]), now_);
    }
  }

  // A frame, as it comes.
  void hear(Octets bytes) {
    const auto frame = wire::parse_ethernet(bytes);
    if (!frame) return;
    if (frame->type == wire::kEtherArp) {
      const auto arp = wire::parse_arp(frame->payload);
      if (arp) (void)n_.hear_arp(*arp, now_);
      return;
    }
    wire::Ipv6 ip;
    if (wire::parse_ipv6(frame->payload, ip).reason != DropReason::None) return;
    const auto icmp = wire::parse_icmpv6(ip.payload, ip.source, ip.destination);
    if (icmp) hear_ndp(*icmp, ip.source, ip.destination, frame->source);
  }

  // Neighbour discovery without the checksum: whose, to whom, the type, then target and options.
  void hear_ndp(Octets bytes) {
    if (bytes.size() < 4) return;
    const wire::Icmpv6 icmp{.type = static_cast<uint8_t>(135 + (bytes[2] & 1)),
                            .rest = uint32_t{bytes[3]} << 24,
                            .data = bytes.subspan(4)};
    const IpAddress source = (bytes[0] & 0x40) != 0 ? IpAddress{} : near(bytes[0] | 0x80);
    const IpAddress target = near(bytes[1] | 0x80);
    const IpAddress to = (bytes[1] & 0x40) != 0 ? wire::solicited_node(target) : us6;
    hear_ndp(icmp, source, to, MacAddress{{2, 0, 0, 0, 0, bytes[0]}});
  }

  void hear_ndp(const wire::Icmpv6& icmp, const IpAddress& source, const IpAddress& destination,
                const MacAddress& from) {
    if (icmp.type == wire::kNeighbourSolicitation) {
      const auto s = wire::parse_solicitation(icmp, source, destination);
      if (s) (void)n_.hear_solicitation(*s, source, from, now_);
    } else if (icmp.type == wire::kNeighbourAdvertisement) {
      const auto a = wire::parse_advertisement(icmp, destination);
      if (a) (void)n_.hear_advertisement(*a, now_);
    }
  }

  void drain() {
    Frame f;
    MacAddress mac;
    while (n_.next_released(f, mac)) ASSERT(!mac.is_multicast() && !mac.is_unspecified());
    while (n_.next_failed(f)) ASSERT(f);
    f.reset();
    NeighbourMessage m;
    std::array<uint8_t, kNeighbourFrame> room{};
    while (n_.next_message(m)) {
      const size_t length = build_neighbour_frame(room.data(), m, ours);
      const auto frame = wire::parse_ethernet(std::span(room).first(length));
      ASSERT(frame && frame->source == ours);
      ASSERT(frame->type == wire::kEtherIpv6 ? wire::parse_ipv6(frame->payload).has_value()
                                             : wire::parse_arp(frame->payload).has_value());
    }
  }

  FramePool pool_{16, 256};
  Instant now_{1'000'000'000};
  Neighbours n_;
};

}  // namespace
}  // namespace rapport::ip

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  rapport::ip::World world;
  std::span<const uint8_t> rest(data, size);
  while (!rest.empty()) {
    const size_t length = std::min<size_t>(rest[0], rest.size() - 1);
    world.take(rest.subspan(1, length));
    rest = rest.subspan(1 + length);
  }
  world.end();
  return 0;
}
