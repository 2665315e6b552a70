// A status document (docs/json.md) for people, and the filters of `rapport status`.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/device/device.hh"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace rapport::app {

// Empty parts match everything.
struct StatusFilter {
  std::vector<std::string> states;  // as RFC 9293 names them, in any case
  std::optional<uint16_t> port;     // of either end
  std::optional<Cidr> peer;
};

// Leaves the connections that match; everything else in the document stays.
void keep_matching(const StatusFilter& filter, nlohmann::ordered_json& document);

// Two or three lines for each connection, then the counts.
[[nodiscard]] std::string status_text(const nlohmann::ordered_json& document);

// "7 packets in, 9 out; write errors 2": of troubles only those that there were.
[[nodiscard]] std::string device_text(const device::Counters& counters);

}  // namespace rapport::app
