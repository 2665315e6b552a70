// Link layers of captures: where the IP packet begins in a captured frame. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace rapport::app {

// The link types that can be read; libpcap's DLT_ numbers, which are also those of the files but
// for a few that differ between systems.
[[nodiscard]] bool is_known_link(int type);
[[nodiscard]] std::string_view known_links();  // for people

// Octets before the IP packet; nothing when the frame holds none, or is too short to tell.
[[nodiscard]] std::optional<size_t> ip_offset(int type, std::span<const uint8_t> frame);

}  // namespace rapport::app
