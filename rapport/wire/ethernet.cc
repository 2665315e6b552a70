// Ethernet II (RFC 894, RFC 2464). Whether a frame is meant for us is decided in stack/.
#include "rapport/wire/ethernet.hh"

#include "rapport/base/address.hh"
#include "rapport/base/assert.hh"
#include "rapport/base/mac.hh"
#include "rapport/base/reason.hh"
#include "rapport/wire/address_octets.hh"
#include "rapport/wire/bytes.hh"

#include <cstdint>
#include <expected>
#include <span>

namespace rapport::wire {
namespace {
constexpr uint16_t lowest_type = 0x600;  // below are the lengths of IEEE 802.3
}

std::expected<Ethernet, DropReason> parse_ethernet(std::span<const uint8_t> bytes) {
  if (bytes.size() < kEthernetHeader) return std::unexpected(DropReason::EthernetTooShort);
  const uint16_t type = load16(&bytes[12]);
  if (type < lowest_type) return std::unexpected(DropReason::EthernetNotTypeTwo);
  return Ethernet{.destination = load_mac(bytes.data()),
                  .source = load_mac(&bytes[6]),
                  .type = type,
                  .payload = bytes.subspan(kEthernetHeader)};
}

void build_ethernet(uint8_t* to, const Ethernet& frame) {
  store_mac(to, frame.destination);
  store_mac(to + 6, frame.source);
  store16(to + 12, frame.type);
}

MacAddress group_mac(const IpAddress& multicast) {
  ASSERT(multicast.is_multicast());
  const auto& o = multicast.octets;
  if (multicast.is_v4()) {
    return {{0x01, 0x00, 0x5e, static_cast<uint8_t>(o[13] & 0x7f), o[14], o[15]}};
  }
  return {{0x33, 0x33, o[12], o[13], o[14], o[15]}};
}

}  // namespace rapport::wire
