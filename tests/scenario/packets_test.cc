// What IP does for TCP (RFC 1122 3, RFC 791, RFC 8200): options and extension headers, the header's
// checksum, fragments, sources that can be nobody's, and which errors are never sent.
#include "answers.hh"
#include "rapport/wire/icmp_error.hh"
#include "scenario.hh"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <span>

namespace rapport::scenario {

namespace {

using Octets = std::vector<uint8_t>;

constexpr uint8_t kTcp = 6, kUdp = 17, kHopByHop = 0, kFragment = 44;

bool over_ipv6() {
  return dressing() == Dressing::Ipv6;
}

size_t header_of(const Octets& packet) {
  return packet[0] >> 4 == 6 ? 40 : size_t{packet[0] & 0x0fU} * 4;
}

void store(Octets& o, size_t at, size_t value) {
  o[at] = static_cast<uint8_t>(value >> 8);
  o[at + 1] = static_cast<uint8_t>(value);
}

// The length and, in IPv4, the checksum of a header whose packet was changed.
void set_right(Octets& packet) {
  if (packet[0] >> 4 == 6) {
    store(packet, 4, packet.size() - 40);
    return;
  }
  store(packet, 2, packet.size());
  store(packet, 10, 0);
  uint32_t sum = 0;
  for (size_t i = 0; i < header_of(packet); i += 2) sum += packet[i] * 256U + packet[i + 1];
  while (sum > 0xffff) sum = (sum >> 16) + (sum & 0xffff);
  store(packet, 10, ~sum & 0xffff);
}

// IPv4: the options, a multiple of four octets, behind the header.
Octets with_ip_options(Octets packet, const Octets& options) {
  packet.insert(packet.begin() + 20, options.begin(), options.end());
  packet[0] = static_cast<uint8_t>(0x40 + (20 + options.size()) / 4);
  set_right(packet);
  return packet;
}

// IPv6: an extension header of eight octets behind the header.
Octets with_extension(Octets packet, uint8_t kind, Octets header) {
  header[0] = packet[6];
  packet[6] = kind;
  packet.insert(packet.begin() + 40, header.begin(), header.end());
  set_right(packet);
  return packet;
}

// Octets [from, to) of what the packet carries, as a fragment of it.
Octets fragment_of(const Octets& packet, size_t from, size_t to) {
  const size_t header = header_of(packet);
  const bool more = header + to < packet.size();
  const auto at = [&packet](size_t n) { return packet.begin() + static_cast<std::ptrdiff_t>(n); };
  Octets part(packet.begin(), at(header));
  std::copy(at(header + from), at(header + to), std::back_inserter(part));
  if (packet[0] >> 4 == 6) {
    Octets extension{0, 0, 0, 0, 0, 0, 0x12, 0x34};
    store(extension, 2, from | (more ? 1U : 0U));
    return with_extension(part, kFragment, extension);
  }
  store(part, 4, 0x1234);
  store(part, 6, from / 8 | (more ? 0x2000U : 0U));
  set_right(part);
  return part;
}

std::vector<Octets> fragments_of(const Octets& packet, size_t each) {
  const size_t carried = packet.size() - header_of(packet);
  std::vector<Octets> all;
  for (size_t from = 0; from < carried; from += each) {
    all.push_back(fragment_of(packet, from, std::min(from + each, carried)));
  }
  return all;
}

// The same packet as if it carried UDP, from port 7 to port 9, where nobody is; no checksum in
// IPv4.
Octets as_udp(const Peer& t, const Endpoint& to) {
  Octets packet = t.packet_of(ack().to({to.address, 9}).from({t.remote.address, 7}));
  const size_t header = header_of(packet);
  packet.resize(header);
  const Octets datagram{0, 7, 0, 9, 0, 12, 0, 0, 'a', 'b', 'c', 'd'};
  packet.insert(packet.end(), datagram.begin(), datagram.end());
  packet[over_ipv6() ? 6 : 9] = kUdp;
  set_right(packet);
  if (!over_ipv6()) return packet;
  uint32_t sum = kUdp + 12;
  for (size_t i = 8; i < packet.size(); i += 2) sum += packet[i] * 256U + packet[i + 1];
  while (sum > 0xffff) sum = (sum >> 16) + (sum & 0xffff);
  store(packet, header + 6, ~sum & 0xffff);
  return packet;
}

// The protocols of what the stack answers to these packets. Peer itself takes TCP alone.
std::vector<int> answers_to(Peer& t, const std::vector<Octets>& packets) {
  FramePool frames(8, 2048);
  std::vector<Frame> burst;
  for (const Octets& packet : packets) {
    burst.push_back(frames.allocate(64));
    burst.back().reshape(64, packet.size());
    std::ranges::copy(packet, burst.back().data());
  }
  t.stack().receive(burst, t.now());
  std::vector<int> protocols;
  while (const Frame f = t.stack().next_frame()) {
    protocols.push_back(f.bytes()[over_ipv6() ? 6 : 9]);
  }
  return protocols;
}

int icmp() {
  return over_ipv6() ? 58 : 1;
}

}  // namespace

// --- options of IP ------------------------------------------------------------------------------

// Timestamp (68) and Record Route (7) as well as what nobody knows (0x99).
SCENARIO_TEST(
    "ESTABLISHED: options of IP are passed over, none are sent [MUST-50, MAY-10, MAY-11]") {
  auto t = peer::in_established();
  Seq next = t.rcv_nxt();
  const auto takes = [&t, &next](const Octets& packet) {
    t.hears_packets({packet}).says(ack(next += 10_B)).calls_receive(10_B);
    t.holds(
        header_of({t.heard_packet().begin(), t.heard_packet().end()}) == (over_ipv6() ? 40 : 20),
        "nothing stands between our IP header and TCP");
    t.holds(t.heard_packet()[over_ipv6() ? 6 : 9] == kTcp, "TCP follows at once");
  };
  if (over_ipv6()) {  // 0x1e: skip it if it is not known
    for (const uint8_t kind : {kHopByHop, uint8_t{60}}) {
      takes(with_extension(t.packet_of(data(10_B)), kind, {0, 0, 0x1e, 4, 1, 2, 3, 4}));
    }
    return;
  }
  for (const Octets& options : {Octets{0x99, 4, 1, 2}, Octets{1, 1, 1, 0},
                                Octets{68, 8, 5, 0, 0, 0, 0, 0}, Octets{7, 7, 4, 0, 0, 0, 0, 0}}) {
    takes(with_ip_options(t.packet_of(data(10_B)), options));
  }
}

SCENARIO_TEST("ESTABLISHED: a packet whose header is damaged was never there [R1122-1]") {
  auto t = peer::in_established();
  if (over_ipv6()) {  // it has no such sum: the pseudo-header's covers the addresses
    Octets packet = t.packet_of(data(10_B));
    packet[23] ^= 1;  // of the source
    t.hears_packets({packet}).says_nothing().dropped_as(DropReason::TcpChecksum);
    return;
  }
  for (const size_t octet : {1U, 8U, 10U, 11U}) {
    Octets packet = t.packet_of(data(10_B));
    packet[octet] ^= 0x10;
    t.hears_packets({packet}).says_nothing().dropped_as(DropReason::Ipv4Checksum);
  }
  t.is(State::Established).is_told_nothing();
}

// --- fragments ----------------------------------------------------------------------------------

// 576 octets in IPv4 and 1500 in IPv6 must be collected: the former from memory.
SCENARIO_TEST("ESTABLISHED: a segment in fragments is a segment [R1122-3]") {
  for (const uint32_t octets : {500U, 1440U}) {
    auto t = peer::in_established();
    const auto parts = fragments_of(t.packet_of(data(ByteCount{octets})), 400);
    t.hears_packets(parts).says(ack(t.irs + 1_B + ByteCount{octets}));
    t.calls_receive(ByteCount{octets});
    auto u = peer::in_established();
    auto backwards = fragments_of(u.packet_of(data(ByteCount{octets})), 400);
    std::ranges::reverse(backwards);
    u.hears_packets(backwards).says(ack(u.irs + 1_B + ByteCount{octets}));
  }
}

SCENARIO_TEST(
    "ESTABLISHED: what our MSS invites can be collected from fragments [MUST-67, R1122-3]") {
  auto t = peer::in_syn_sent({.window_scale = false, .sack = false, .timestamps = false});
  const ByteCount mss{t.heard().options.mss};
  t.hears(t.syn_of_peer().ack(t.iss + 1_B)).says(ack());
  const Octets packet = t.packet_of(data(mss).option_octets(Octets(40, 1)));
  t.hears_packets(fragments_of(packet, 560)).says(ack(t.irs + 1_B + mss)).calls_receive(mss);
}

// --- errors and sources -------------------------------------------------------------------------

SCENARIO_TEST("CLOSED: what no ICMP error is sent about [R1122-2]") {
  auto t = peer::in_closed();
  const Octets datagram = as_udp(t, t.local);
  t.holds(answers_to(t, {datagram}) == std::vector<int>{icmp()}, "it is sent about a datagram");
  const Endpoint group{here(IpAddress::v4(224, 0, 0, 1)), 9};
  const Endpoint broadcast{here(IpAddress::v4(255, 255, 255, 255)), 9};
  t.holds(answers_to(t, {as_udp(t, group)}).empty(), "not about one to a group");
  t.holds(answers_to(t, {as_udp(t, broadcast)}).empty(), "nor to a broadcast address");
  const auto parts = fragments_of(datagram, 8);
  t.holds(answers_to(t, {parts[1]}).empty(), "nor about a fragment but the first");
  t.after(120_s).says_nothing();  // though the others never come
  t.hears_icmp(wire::IcmpKind::PortUnreachable, Seq{1}).says_nothing();  // nor about an error
  t.hears(ack(Seq{5})).says(rst().seq(Seq{5}));  // TCP has its reset for that
}

SCENARIO_TEST(
    "ESTABLISHED: TCP is told what an error says and about which segment [R1122-4, MUST-54]") {
  using enum wire::IcmpKind;
  for (const auto kind : {NetUnreachable, HostUnreachable, SourceRouteFailed}) {
    auto t = peer::in_established();
    t.calls_send(100_B).says(data(100_B));
    t.hears_icmp_of_another(kind, t.iss + 1_B, 0).says_nothing().is_told_nothing();
    t.hears_icmp(kind, t.iss + 101_B).says_nothing().is_told_nothing();  // not in flight
    t.hears_icmp(kind, t.iss + 1_B).says_nothing().is_told(What::DeliveryTrouble);
    t.holds(t.calls_status().soft_error == kind, "STATUS tells which");
    t.is(State::Established);
  }
}

// 0/8, 127/8, 224/4 and 240/4, from memory, and the broadcast address of our network.
SCENARIO_TEST("LISTEN: who has no address of a host is not answered [R1122-7, MUST-63, U-36]") {
  const IpAddress nobody[] = {IpAddress::v4(0, 0, 0, 0),         IpAddress::v4(0, 1, 2, 3),
                              IpAddress::v4(127, 0, 0, 1),       IpAddress::v4(224, 0, 0, 1),
                              IpAddress::v4(239, 1, 2, 3),       IpAddress::v4(240, 0, 0, 1),
                              IpAddress::v4(255, 255, 255, 255), IpAddress::v4(10, 0, 0, 255)};
  auto t = peer::in_listen();
  for (const IpAddress& address : nobody) {
    const Endpoint from{address, 1234};
    for (const Seg& s : {syn().seq(Seq{7}), ack(Seq{9}), rst().seq(Seq{7})}) {
      t.hears(Seg(s).from(from)).says_nothing().dropped_as(DropReason::MartianSource);
    }
  }
  t.is(State::Listen);
  const Endpoint somebody{IpAddress::v4(10, 0, 0, 77), 1234};
  t.hears(syn().seq(Seq{7}).from(somebody)).says(syn().ack(Seq{8}).to(somebody));
}

// The Identification is free (RFC 791 3.2): ours differs each time, and the peer's is not looked
// at.
SCENARIO_TEST("ESTABLISHED: nothing depends on IPv4's Identification [MAY-4]") {
  auto t = peer::in_established();
  for (uint32_t i = 1; i <= 3; ++i) {
    Octets packet = t.packet_of(data(10_B));
    if (!over_ipv6()) {
      store(packet, 4, 0x4711);
      set_right(packet);
    }
    t.hears_packets({packet}).says(ack(t.irs + 1_B + 10_B * i));
  }
  t.hears(data(10_B).seq(t.irs + 1_B)).says(ack(t.irs + 31_B)).calls_receive(30_B);
}

}  // namespace rapport::scenario
