// ICMP messages (RFC 792), as far as echo needs them. Whether a message is answered at all (not to
// broadcasts, RFC 1122 3.2.2.6) is decided in stack/.
#include "rapport/wire/icmp.hh"

#include "rapport/base/assert.hh"
#include "rapport/base/reason.hh"
#include "rapport/wire/bytes.hh"
#include "rapport/wire/checksum.hh"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <span>

namespace rapport::wire {
namespace {
constexpr size_t icmp_header = 8;
}

std::expected<Icmp, DropReason> parse_icmp(std::span<const uint8_t> bytes) {
  if (bytes.size() < icmp_header) return std::unexpected(DropReason::IcmpTooShort);
  if (!is_right(sum(bytes))) return std::unexpected(DropReason::IcmpChecksum);
  return Icmp{.type = bytes[0],
              .code = bytes[1],
              .id = load16(&bytes[4]),
              .sequence = load16(&bytes[6]),
              .data = bytes.subspan(icmp_header)};
}

// RFC 792: the type becomes 0 and the checksum is made anew; RFC 1122 3.2.2.6: id, sequence and
// data are returned as they came.
void make_echo_reply(std::span<uint8_t> message) {
  ASSERT(message.size() >= icmp_header);
  message[0] = kIcmpEchoReply;
  message[1] = 0;
  store16(&message[2], 0);
  const uint16_t checksum = finish(sum(message));
  std::memcpy(&message[2], &checksum, 2);
}

}  // namespace rapport::wire
