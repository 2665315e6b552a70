// Names without a network: the text of /etc/hosts and /etc/services (hosts(5), services(5)), and
// literal addresses. Pure; the resolver reads the files.
#pragma once

#include "rapport/base/address.hh"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace rapport::asio {

// Every address that `hosts` gives to `name`, in its order, none twice. Case does not matter. Lines
// that are not understood (an IPv6 zone, say) are passed over.
[[nodiscard]] std::vector<IpAddress> find_host(std::string_view hosts, std::string_view name);

// The port that `services` gives to `name` for `protocol` ("tcp", "udp"; empty:
// any).
[[nodiscard]] std::optional<uint16_t> find_service(std::string_view services, std::string_view name,
                                                   std::string_view protocol);

// "443"; nothing for anything but a number up to 65535.
[[nodiscard]] std::optional<uint16_t> port_number(std::string_view text);

}  // namespace rapport::asio
