// TCP segments: octets <-> values (RFC 9293 3.1). Owns the header's layout and its checksum; knows
// neither connections nor what the options mean.
#include "rapport/wire/tcp.hh"

#include "rapport/base/address.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/wire/bytes.hh"
#include "rapport/wire/checksum.hh"
#include "rapport/wire/option_words.hh"
#include "rapport/wire/options.hh"
#include "rapport/wire/word_writer.hh"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <span>

namespace rapport::wire {
namespace {

size_t header_length(const uint8_t* p) {
  return size_t{p[12]} >> 4 << 2;
}

// In their order: what makes the header unreadable, what makes it untrustworthy, what is forbidden.
// SA-CLOSED-06, SA-ALL-04, U-2.
DropReason fault_of(std::span<const uint8_t> bytes, const IpAddress& source,
                    const IpAddress& destination, Checksum checksum) {
  if (bytes.size() < kTcpHeader) return DropReason::TcpTooShort;
  const size_t header = header_length(bytes.data());
  if (header < kTcpHeader || header > bytes.size()) return DropReason::TcpDataOffset;
  if (checksum == Checksum::Verify) {  // MUST-3
    const auto length = static_cast<uint32_t>(bytes.size());
    if (!is_right(sum(bytes) + pseudo_header(source, destination, kProtocolTcp, length))) {
      return DropReason::TcpChecksum;
    }
  }
  if (load16(bytes.data()) == 0 || load16(&bytes[2]) == 0) return DropReason::TcpPortZero;
  return DropReason::None;
}

// Reserved bits are ignored (RFC 9293 3.1).
// Windows are unsigned (MUST-1); reserved bits are not looked at (U-1).
void read_values(std::span<const uint8_t> bytes, Segment& seg) {
  const uint8_t* p = bytes.data();
  const size_t header = header_length(p);
  seg.source_port = load16(p);
  seg.destination_port = load16(p + 2);
  seg.seq = Seq{load32(p + 4)};
  seg.ack = Seq{load32(p + 8)};
  seg.flags = Flags{p[13]};
  seg.option_octets = static_cast<uint8_t>(header - kTcpHeader);
  seg.window = load16(p + 14);
  seg.urgent = load16(p + 18);
  seg.gso_size = 0;
  seg.text = bytes.subspan(header);
  seg.raw_options = p + kTcpHeader;
  seg.verified = true;
  seg.in_place = false;
  if (seg.option_octets == 12 && load32(seg.raw_options) == nop_nop_timestamps) {
    seg.options = {};
    seg.options.has_timestamps = true;
    seg.options.tsval = load32(seg.raw_options + 4);
    seg.options.tsecr = load32(seg.raw_options + 8);
  } else {
    read_options({seg.raw_options, seg.option_octets}, seg.options);
  }
}

}  // namespace

DropReason parse_tcp(std::span<const uint8_t> bytes, const IpAddress& source,
                     const IpAddress& destination, Checksum checksum, Segment& out) {
  const DropReason fault = fault_of(bytes, source, destination, checksum);
  if (fault != DropReason::None) return fault;
  read_values(bytes, out);
  if (checksum == Checksum::SumHeader) {
    out.verified = false;
    out.header_sum =
        sum(bytes.first(header_length(bytes.data())))
        + pseudo_header(source, destination, kProtocolTcp, static_cast<uint32_t>(bytes.size()));
  }
  return fault;
}

std::expected<Segment, DropReason> parse_tcp(std::span<const uint8_t> bytes,
                                             const IpAddress& source, const IpAddress& destination,
                                             Checksum checksum) {
  std::expected<Segment, DropReason> result;
  const DropReason fault = parse_tcp(bytes, source, destination, checksum, *result);
  if (fault != DropReason::None) return std::unexpected(fault);
  return result;
}

uint32_t build_tcp(uint8_t* to, const SegmentHead& head, const IpAddress& source,
                   const IpAddress& destination, TextSum text) {
  WordWriter options{to + kTcpHeader};
  if (head.options != nullptr) {
    put_option_words(options, *head.options);
  } else if (head.timestamps) {
    options.put(nop_nop_timestamps);
    options.put(head.tsval);
    options.put(head.tsecr);
  }
  const auto header = static_cast<uint32_t>(kTcpHeader + options.length());
  WordWriter fixed{to};
  fixed.put(uint32_t{head.source_port} << 16 | head.destination_port);
  fixed.put(head.seq.v);
  fixed.put(head.ack.v);
  fixed.put(header / 4 << 28 | uint32_t{head.flags.v} << 16 | head.window);
  fixed.put(head.urgent);
  // MUST-2. A header is a whole number of words, so the text's sum needs no shift.
  const uint16_t checksum =
      finish(fixed.sum() + options.sum() + text.sum
             + pseudo_header(source, destination, kProtocolTcp, header + text.length));
  std::memcpy(to + 16, &checksum, 2);
  return header;
}

}  // namespace rapport::wire
