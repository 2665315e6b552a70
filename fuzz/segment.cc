// Fuzzes parse_ipv4, parse_tcp and the options between them: any octets, first as they are, then
// with their checksums mended, so that mutations get past them. What is parsed must lie inside the
// packet, and what is built from it must parse to the same.
#include "rapport/base/assert.hh"
#include "rapport/wire/bytes.hh"
#include "rapport/wire/checksum.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/options.hh"
#include "rapport/wire/tcp.hh"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace rapport::wire {
namespace {

bool lies_inside(std::span<const uint8_t> inner, std::span<const uint8_t> outer) {
  return inner.data() >= outer.data() && inner.data() + inner.size() <= outer.data() + outer.size();
}

// Options that an honest sender can say again: nothing malformed, all of it in 40 octets.
void builds_to_the_same(const Segment& seg, const Ipv4& ip) {
  std::vector<uint8_t> bytes(60 + seg.text.size());
  const SegmentHead head{.source_port = seg.source_port,
                         .destination_port = seg.destination_port,
                         .seq = seg.seq,
                         .ack = seg.ack,
                         .flags = seg.flags,
                         .window = seg.window,
                         .urgent = seg.urgent,
                         .options = &seg.options};
  const uint32_t header =
      build_tcp(bytes.data(), head, ip.source, ip.destination,
                {.length = static_cast<uint32_t>(seg.text.size()), .sum = sum(seg.text)});
  ASSERT(header == kTcpHeader + option_length(seg.options));
  if (!seg.text.empty()) std::memcpy(&bytes[header], seg.text.data(), seg.text.size());
  bytes.resize(header + seg.text.size());
  const auto again = parse_tcp(bytes, ip.source, ip.destination, Checksum::Verify);
  ASSERT(again.has_value());
  ASSERT(again->seq == seg.seq && again->ack == seg.ack && again->flags == seg.flags);
  ASSERT(again->text.size() == seg.text.size() && !again->options.malformed);
  ASSERT(again->options.mss == seg.options.mss && again->options.tsval == seg.options.tsval);
}

void try_packet(std::span<const uint8_t> packet) {
  const auto ip = parse_ipv4(packet);
  if (!ip.has_value()) return;
  ASSERT(lies_inside(ip->payload, packet));
  for (const Checksum checksum : {Checksum::Verify, Checksum::AlreadyVerified}) {
    const auto seg = parse_tcp(ip->payload, ip->source, ip->destination, checksum);
    if (!seg.has_value()) continue;
    ASSERT(lies_inside(seg->text, ip->payload));
    ASSERT(kTcpHeader + seg->option_octets + seg->text.size() == ip->payload.size());
    ASSERT(seg->options.sack_count <= kMaxSackBlocks);
    builds_to_the_same(*seg, *ip);
  }
}

// Version, lengths and both checksums made right as far as the octets reach.
void mend(std::span<uint8_t> packet) {
  if (packet.size() < kIpv4Header || packet.size() > 0xffff) return;
  packet[0] = static_cast<uint8_t>(0x40 | (packet[0] & 0x0f));
  const size_t header = size_t{4} * (packet[0] & 0x0f);
  if (header < kIpv4Header || header > packet.size()) return;
  store16(&packet[2], static_cast<uint16_t>(packet.size()));
  store16(&packet[10], 0);
  const uint16_t ip_checksum = finish(sum(packet.first(header)));
  std::memcpy(&packet[10], &ip_checksum, 2);
  const auto ip = parse_ipv4(packet);
  ASSERT(ip.has_value());
  const auto tcp = packet.subspan(header);
  if (tcp.size() < kTcpHeader) return;
  store16(&tcp[16], 0);
  const auto length = static_cast<uint32_t>(tcp.size());
  const uint16_t tcp_checksum =
      finish(sum(tcp) + pseudo_header(ip->source, ip->destination, kProtocolTcp, length));
  std::memcpy(&tcp[16], &tcp_checksum, 2);
}

}  // namespace
}  // namespace rapport::wire

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  rapport::wire::try_packet({data, size});
  std::vector<uint8_t> mended(data, data + size);
  rapport::wire::mend(mended);
  rapport::wire::try_packet(mended);
  return 0;
}
