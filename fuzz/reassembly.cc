// Fuzzes reassembly: the input is a row of fragments of eight datagrams, seven octets each: whose,
// where, how long, whether more come, with what in it. Each outcome must be what a model says that
// compares every fragment with every other one.
#include "rapport/ip/reassembly.hh"

#include "rapport/base/address.hh"
#include "rapport/base/assert.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/ipv6.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace rapport::ip {
namespace {

constexpr size_t octets_each = 7;
constexpr uint8_t protocol = 200;  // one without a header that must be in the first fragment

struct Part {
  uint32_t offset = 0;
  bool more = false;
  std::vector<uint8_t> data;

  [[nodiscard]] uint32_t end() const { return offset + static_cast<uint32_t>(data.size()); }
};

struct Known {
  std::vector<Part> parts;
  bool given_up = false;
};

DropReason compare(const std::vector<Part>& parts, const Part& p) {
  for (const Part& q : parts) {
    if (q.offset == p.offset && q.data == p.data && q.more == p.more) {
      return DropReason::FragmentDuplicate;
    }
  }
  for (const Part& q : parts) {
    const bool beyond = !q.more && (p.more ? p.end() >= q.end() : p.end() != q.end());
    if (beyond || (!p.more && q.end() > p.end())) return DropReason::FragmentInconsistent;
  }
  for (const Part& q : parts) {
    if (p.offset < q.end() && q.offset < p.end()) return DropReason::FragmentOverlap;
  }
  return parts.size() == ReassemblyConfig{}.fragments ? DropReason::FragmentCap : DropReason::None;
}

DropReason expected_of(Known& known, const Part& p, uint32_t header) {
  if (p.data.empty()) return DropReason::FragmentEmpty;
  if (p.more && p.data.size() % 8 != 0) return DropReason::FragmentLength;
  if (header + p.end() > 65535) return DropReason::FragmentBeyond;
  if (known.given_up) return DropReason::FragmentOfDropped;
  const DropReason why = compare(known.parts, p);
  if (why == DropReason::None) {
    known.parts.push_back(p);
  } else if (why != DropReason::FragmentDuplicate) {
    known.given_up = true;
  }
  return why;
}

// All octets in a row, forgotten then; none while some are missing.
std::vector<uint8_t> whole(Known& known) {
  std::ranges::sort(known.parts, {}, &Part::offset);
  std::vector<uint8_t> all;
  for (const Part& p : known.parts) {
    if (p.offset != all.size()) return {};
    all.insert(all.end(), p.data.begin(), p.data.end());
  }
  if (known.parts.empty() || known.parts.back().more) return {};
  known = {};
  return all;
}

Part part_of(std::span<const uint8_t> bytes) {
  Part p;
  p.offset = (uint32_t{bytes[1]} << 8 | bytes[2]) & 0xfff8U;
  p.more = (bytes[0] & 8) != 0;
  p.data.resize((uint32_t{bytes[3]} << 8 | bytes[4]) >> (bytes[0] >> 4));
  for (size_t i = 0; i < p.data.size(); ++i) {
    p.data[i] = static_cast<uint8_t>(bytes[5] + (p.offset + i) * 3);
  }
  return p;
}

Reassembly::Outcome hear(Reassembly& pieces, const Part& p, uint8_t number) {
  if (number < 4) {
    wire::Ipv4 ip;
    ip.source = ip.destination = IpAddress::v4(10, 0, 0, 1);
    ip.protocol = protocol;
    ip.id = number;
    ip.fragment_offset = static_cast<uint16_t>(p.offset);
    ip.more_fragments = p.more;
    ip.payload = p.data;
    return pieces.receive(ip, Instant{});
  }
  wire::Ipv6 ip;
  ip.next_header = protocol;
  ip.id = number;
  ip.header_length = 48;
  ip.is_fragment = true;
  ip.fragment_offset = static_cast<uint16_t>(p.offset);
  ip.more_fragments = p.more;
  ip.payload = p.data;
  return pieces.receive(ip, Instant{});
}

void try_fragments(std::span<const uint8_t> bytes) {
  Reassembly pieces({.octets = size_t{8} * 65535});
  std::array<Known, 8> model;
  for (; bytes.size() >= octets_each; bytes = bytes.subspan(octets_each)) {
    const uint8_t number = bytes[0] & 7;
    const Part p = part_of(bytes);
    const auto out = hear(pieces, p, number);
    ASSERT(out.evicted == 0);
    ASSERT(out.fault.reason == expected_of(model[number], p, number < 4 ? 20 : 0));
    const auto all = whole(model[number]);
    ASSERT((out.result == Reassembly::Result::Complete) == !all.empty());
    if (all.empty()) continue;
    const size_t header = number < 4 ? wire::kIpv4Header : wire::kIpv6Header;
    ASSERT(std::ranges::equal(out.packet.subspan(header), all));
  }
  Reassembly::Expired gone;
  while (pieces.expire(kNever, gone)) ASSERT(gone.first.size() <= 65535 + 48);
  ASSERT(pieces.datagrams() == 0 && pieces.octets() == 0);
}

}  // namespace
}  // namespace rapport::ip

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  rapport::ip::try_fragments({data, size});
  return 0;
}
