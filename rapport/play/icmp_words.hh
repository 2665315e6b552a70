// ICMP as scripts name it: the words of types and codes, for both families, and the packet that an
// error quotes (RFC 792, RFC 4443).
#pragma once

#include "rapport/play/craft.hh"
#include "rapport/play/flow.hh"
#include "rapport/play/packet.hh"
#include "rapport/wire/icmp.hh"

#include <cstdint>
#include <optional>
#include <vector>

namespace rapport::play {

// Nothing: there are no such words in that family.
[[nodiscard]] std::optional<wire::IcmpHead> icmp_head(const IcmpMessage& message, bool ipv6);

// What an error quotes: as much as fits of the stack's own packet, with the numbers of the script.
[[nodiscard]] std::vector<uint8_t> quoted_packet(const IcmpMessage& message, const Flow& flow);

}  // namespace rapport::play
