// Neighbour discovery messages (RFC 4861 4.3, 4.4, 4.6.1, 7.1). Options that we do not know are
// skipped; of one that stands twice the last counts.
#include "rapport/wire/ndp.hh"

#include "rapport/base/address.hh"
#include "rapport/base/mac.hh"
#include "rapport/base/reason.hh"
#include "rapport/wire/address_octets.hh"
#include "rapport/wire/icmpv6.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>

namespace rapport::wire {
namespace {

constexpr uint8_t source_link_address = 1, target_link_address = 2;
constexpr size_t target_octets = 16, link_option = 8;
constexpr uint32_t router_flag = 1U << 31, solicited_flag = 1U << 30, override_flag = 1U << 29;

// The link-layer address of kind `wanted` among the options.
DropReason read_options(std::span<const uint8_t> options, uint8_t wanted,
                        std::optional<MacAddress>& link) {
  for (int count = 0; !options.empty(); ++count) {
    if (count == kMaxNdpOptions) return DropReason::NdpOptionCap;
    const size_t length = options.size() < 2 ? 0 : 8 * size_t{options[1]};
    const bool is_wanted = options[0] == wanted;
    if (length == 0 || length > options.size() || (is_wanted && length != link_option)) {
      return DropReason::NdpOptionLength;
    }
    if (is_wanted) link = load_mac(&options[2]);
    options = options.subspan(length);
  }
  return DropReason::None;
}

// What both messages have in common: the code, the target, options that are whole.
DropReason read_body(const Icmpv6& icmp, uint8_t wanted, IpAddress& target,
                     std::optional<MacAddress>& link) {
  if (icmp.code != 0) return DropReason::NdpCode;
  if (icmp.data.size() < target_octets) return DropReason::NdpTooShort;
  target = load_v6(icmp.data.data());
  if (target.is_multicast() || target.is_v4()) return DropReason::NdpTarget;
  return read_options(icmp.data.subspan(target_octets), wanted, link);
}

bool is_solicited_node(const IpAddress& a) {
  const IpAddress any = solicited_node({});
  return std::equal(a.octets.begin(), a.octets.begin() + 13, any.octets.begin());
}

// The target, and the option that names a link-layer address. Returns the length.
size_t put_body(uint8_t* to, const IpAddress& target, uint8_t kind,
                const std::optional<MacAddress>& link) {
  store_v6(to, target);
  if (!link) return target_octets;
  to[target_octets] = kind;
  to[target_octets + 1] = 1;
  store_mac(to + target_octets + 2, *link);
  return target_octets + link_option;
}

}  // namespace

IpAddress all_nodes() {
  return {{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
}

IpAddress solicited_node(const IpAddress& target) {
  IpAddress a{{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0, 0, 0}};
  std::copy(target.octets.begin() + 13, target.octets.end(), a.octets.begin() + 13);
  return a;
}

// 7.1.1
std::expected<Solicitation, DropReason> parse_solicitation(const Icmpv6& icmp,
                                                           const IpAddress& source,
                                                           const IpAddress& destination) {
  Solicitation s;
  const DropReason fault = read_body(icmp, source_link_address, s.target, s.source_mac);
  if (fault != DropReason::None) return std::unexpected(fault);
  if (source == IpAddress{}) {
    if (!is_solicited_node(destination)) return std::unexpected(DropReason::NdpDestination);
    if (s.source_mac) return std::unexpected(DropReason::NdpSource);
  }
  return s;
}

// 7.1.2
std::expected<Advertisement, DropReason> parse_advertisement(const Icmpv6& icmp,
                                                             const IpAddress& destination) {
  Advertisement a;
  const DropReason fault = read_body(icmp, target_link_address, a.target, a.target_mac);
  if (fault != DropReason::None) return std::unexpected(fault);
  a.is_router = (icmp.rest & router_flag) != 0;
  a.solicited = (icmp.rest & solicited_flag) != 0;
  a.overrides = (icmp.rest & override_flag) != 0;
  if (a.solicited && destination.is_multicast()) {
    return std::unexpected(DropReason::NdpDestination);
  }
  return a;
}

size_t build_solicitation(uint8_t* to, const Solicitation& s, const IpAddress& source,
                          const IpAddress& destination) {
  std::array<uint8_t, target_octets + link_option> body{};
  const size_t length = put_body(body.data(), s.target, source_link_address, s.source_mac);
  return build_icmpv6(to, {.type = kNeighbourSolicitation}, std::span(body).first(length), source,
                      destination);
}

size_t build_advertisement(uint8_t* to, const Advertisement& a, const IpAddress& source,
                           const IpAddress& destination) {
  std::array<uint8_t, target_octets + link_option> body{};
  const size_t length = put_body(body.data(), a.target, target_link_address, a.target_mac);
  const uint32_t flags = (a.is_router ? router_flag : 0U) | (a.solicited ? solicited_flag : 0U)
                         | (a.overrides ? override_flag : 0U);
  return build_icmpv6(to, {.type = kNeighbourAdvertisement, .rest = flags},
                      std::span(body).first(length), source, destination);
}

}  // namespace rapport::wire
