// The names of POSIX and their numbers, for those who read them from a text: packet scripts.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace rapport::posix {

// "SO_ERROR", "EPOLLIN", "TCP_ESTABLISHED" (Linux' number), "TCPS_ESTABLISHED" and
// "TCPI_ESTABLISHED" (FreeBSD's), "TCPI_OPT_SACK", ...; nothing: not known.
[[nodiscard]] std::optional<int64_t> find_constant(std::string_view name);

// "EAGAIN", "EWOULDBLOCK", ...
[[nodiscard]] std::optional<int> find_errno(std::string_view name);
// "EAGAIN"; empty for a number that has no name here.
[[nodiscard]] std::string_view errno_name(int number);

}  // namespace rapport::posix
