// Fuzzes ICMP: any octets, as they are and with a right checksum; an echo's reply must be readable
// and return what came.
#include "rapport/wire/icmp.hh"

#include "rapport/base/assert.hh"
#include "rapport/wire/bytes.hh"
#include "rapport/wire/checksum.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace rapport::wire {
namespace {

void try_message(std::span<const uint8_t> bytes) {
  const auto icmp = parse_icmp(bytes);
  if (!icmp.has_value()) return;
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
  rapport::wire::try_message({data, size});
  if (size < 8) return 0;
  std::vector<uint8_t> mended(data, data + size);
  rapport::wire::store16(&mended[2], 0);
  const uint16_t checksum = rapport::wire::finish(rapport::wire::sum(mended));
  std::memcpy(&mended[2], &checksum, 2);
  rapport::wire::try_message(mended);
  return 0;
}
