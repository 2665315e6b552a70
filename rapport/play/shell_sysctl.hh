// The system variables of FreeBSD and Linux that scripts set, and what they mean here. Within play/
// only.
#pragma once

#include "rapport/play/shell.hh"

#include <string_view>
#include <vector>

namespace rapport::play {

// "net.ipv4.tcp_sack" set to "1"; slashes of /proc/sys/net/... count as points. One Unknown for
// what is not known, or set to what it cannot be.
[[nodiscard]] std::vector<ShellAction> translate_sysctl(std::string_view name,
                                                        std::string_view value);

// What the init scripts of Linux's collections (defaults.sh) set before each script.
[[nodiscard]] std::vector<ShellAction> init_script_defaults();

}  // namespace rapport::play
