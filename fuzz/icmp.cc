// Fuzzes ICMP and the packets that errors of both families quote: any octets, as they are and with
// a right checksum. An echo's reply must be readable and return what came; what is read of a quote
// must lie inside it.
#include "rapport/wire/icmp.hh"

#include "rapport/base/assert.hh"
#include "rapport/wire/bytes.hh"
#include "rapport/wire/checksum.hh"
#include "rapport/wire/icmp_error.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace rapport::wire {
namespace {

void check_quote(const Quote& q, std::span<const uint8_t> bytes) {
  ASSERT(q.upper.data() >= bytes.data());
  ASSERT(q.upper.data() + q.upper.size() <= bytes.data() + bytes.size());
  ASSERT(!q.has_ports || (q.upper.size() >= 8 && q.fragment_offset == 0));
  ASSERT(!q.has_sequence || q.has_ports);
  ASSERT(q.source.is_v4() == q.destination.is_v4());
}

void try_quote(std::span<const uint8_t> bytes) {
  const auto four = parse_quote_v4(bytes);
  if (four) check_quote(*four, bytes);
  const auto six = parse_quote_v6(bytes);
  if (six) check_quote(*six, bytes);
  ASSERT(!four || !six);
}

void try_message(std::span<const uint8_t> bytes) {
  const auto icmp = parse_icmp(bytes);
  if (!icmp.has_value()) return;
  const auto error = parse_icmp_error(*icmp);
  if (error) check_quote(error->quote, icmp->data);
  ASSERT(icmp->data.size() + 8 == bytes.size());
  ASSERT(icmp->data.data() == bytes.data() + 8);
  if (icmp->type != kIcmpEcho) return;
  std::vector<uint8_t> copy(bytes.begin(), bytes.end());
  make_echo_reply(copy);
  const auto reply = parse_icmp(copy);
  ASSERT(reply.has_value() && reply->type == kIcmpEchoReply);
  ASSERT(reply->id == icmp->id && reply->sequence == icmp->sequence);
  ASSERT(std::ranges::equal(reply->data, icmp->data));
}

}  // namespace
}  // namespace rapport::wire

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  rapport::wire::try_quote({data, size});
  rapport::wire::try_message({data, size});
  if (size < 8) return 0;
  std::vector<uint8_t> mended(data, data + size);
  rapport::wire::store16(&mended[2], 0);
  const uint16_t checksum = rapport::wire::finish(rapport::wire::sum(mended));
  std::memcpy(&mended[2], &checksum, 2);
  rapport::wire::try_message(mended);
  return 0;
}
