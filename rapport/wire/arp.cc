// ARP (RFC 826): a message of fixed shape, since only IPv4 over Ethernet is spoken.
#include "rapport/wire/arp.hh"

#include "rapport/base/address.hh"
#include "rapport/base/mac.hh"
#include "rapport/base/reason.hh"
#include "rapport/wire/address_octets.hh"
#include "rapport/wire/bytes.hh"
#include "rapport/wire/ethernet.hh"

#include <cstdint>
#include <expected>
#include <span>

namespace rapport::wire {
namespace {

constexpr uint16_t hardware_ethernet = 1;
constexpr uint8_t mac_octets = 6, v4_octets = 4;

DropReason fault_of(std::span<const uint8_t> bytes) {
  if (bytes.size() < kArpLength) return DropReason::ArpTooShort;
  if (load16(bytes.data()) != hardware_ethernet || bytes[4] != mac_octets) {
    return DropReason::ArpHardware;
  }
  if (load16(&bytes[2]) != kEtherIpv4 || bytes[5] != v4_octets) return DropReason::ArpProtocol;
  const uint16_t operation = load16(&bytes[6]);
  if (operation != 1 && operation != 2) return DropReason::ArpOperation;
  const IpAddress sender = load_v4(&bytes[14]);
  const bool nobody = load_mac(&bytes[8]).is_multicast() || sender.is_multicast()
                      || sender.is_reserved_or_broadcast();
  return nobody ? DropReason::ArpSender : DropReason::None;
}

}  // namespace

Arp arp_probe(const MacAddress& sender, const IpAddress& target) {
  return {.operation = ArpOperation::Request,
          .sender_mac = sender,
          .target_mac = {},
          .sender = IpAddress::v4(0),
          .target = target};
}

Arp arp_announcement(const MacAddress& sender, const IpAddress& address) {
  return {.operation = ArpOperation::Request,
          .sender_mac = sender,
          .target_mac = {},
          .sender = address,
          .target = address};
}

std::expected<Arp, DropReason> parse_arp(std::span<const uint8_t> bytes) {
  const DropReason fault = fault_of(bytes);
  if (fault != DropReason::None) return std::unexpected(fault);
  return Arp{.operation = static_cast<ArpOperation>(bytes[7]),
             .sender_mac = load_mac(&bytes[8]),
             .target_mac = load_mac(&bytes[18]),
             .sender = load_v4(&bytes[14]),
             .target = load_v4(&bytes[24])};
}

void build_arp(uint8_t* to, const Arp& arp) {
  store16(to, hardware_ethernet);
  store16(to + 2, kEtherIpv4);
  to[4] = mac_octets;
  to[5] = v4_octets;
  store16(to + 6, static_cast<uint16_t>(arp.operation));
  store_mac(to + 8, arp.sender_mac);
  store_v4(to + 14, arp.sender);
  store_mac(to + 18, arp.target_mac);
  store_v4(to + 24, arp.target);
}

}  // namespace rapport::wire
