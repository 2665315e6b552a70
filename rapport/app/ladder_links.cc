// Ethernet with VLAN tags, Linux cooked captures, BSD loopback, raw IP.
#include "rapport/app/ladder_links.hh"

#include "rapport/wire/bytes.hh"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include <pcap/dlt.h>

namespace rapport::app {

namespace {

using wire::load16;

constexpr uint16_t kIpv4 = 0x0800, kIpv6 = 0x86dd;
constexpr uint16_t kVlan = 0x8100, kServiceVlan = 0x88a8, kOldServiceVlan = 0x9100;
constexpr int kMostTags = 4;

// The EtherType at `at`, behind which VLAN tags may follow.
std::optional<size_t> behind_type(std::span<const uint8_t> frame, size_t at) {
  for (int i = 0; i <= kMostTags && at + 2 <= frame.size(); ++i) {
    const uint16_t type = load16(&frame[at]);
    if (type == kIpv4 || type == kIpv6) return at + 2;
    if (type != kVlan && type != kServiceVlan && type != kOldServiceVlan) return std::nullopt;
    at += 4;
  }
  return std::nullopt;
}

// The address family, in the order of the writer's octets; both orders are tried.
std::optional<size_t> behind_family(std::span<const uint8_t> frame) {
  if (frame.size() < 4) return std::nullopt;
  const unsigned little = frame[0], big = frame[3];
  const unsigned family = little != 0 ? little : big;
  // AF_INET is 2 everywhere, AF_INET6 10, 24, 28 or 30.
  const bool ip = family == 2 || family == 10 || family == 24 || family == 28 || family == 30;
  return ip ? std::optional<size_t>(4) : std::nullopt;
}

}  // namespace

bool is_known_link(int type) {
  switch (type) {
    case DLT_EN10MB:
    case DLT_RAW:
    case DLT_IPV4:
    case DLT_IPV6:
    case DLT_LINUX_SLL:
    case DLT_LINUX_SLL2:
    case DLT_NULL:
    case DLT_LOOP: return true;
    default: return false;
  }
}

std::string_view known_links() {
  return "Ethernet, raw IP, Linux cooked (SLL, SLL2) and BSD loopback";
}

std::optional<size_t> ip_offset(int type, std::span<const uint8_t> frame) {
  switch (type) {
    case DLT_EN10MB: return behind_type(frame, 12);
    case DLT_LINUX_SLL: return behind_type(frame, 14);
    case DLT_LINUX_SLL2: {
      constexpr size_t kHeader = 20;
      if (frame.size() < kHeader) return std::nullopt;
      const uint16_t protocol = load16(frame.data());
      if (protocol == kIpv4 || protocol == kIpv6) return kHeader;
      return std::nullopt;
    }
    case DLT_NULL:
    case DLT_LOOP: return behind_family(frame);
    default: return 0;
  }
}

}  // namespace rapport::app
