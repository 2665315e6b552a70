// What a running `serve` tells of itself over its status socket: one JSON document (docs/json.md),
// made from the stack, its watched trace and the counters of HTTP. Pure: no sockets.
#pragma once

#include "rapport/app/serve_http.hh"
#include "rapport/base/time.hh"
#include "rapport/device/device.hh"
#include "rapport/observe/watch.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/config.hh"

#include <cstddef>
#include <cstdint>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace rapport::app {

inline constexpr size_t kMostReported = 10'000;  // connections in one document

struct StatusSource {
  stack::Stack& stack;
  const observe::Watch& watch;
  const HttpCounters& http;
  const device::Counters& device;
  Duration two_msl{};
  std::string interface;  // its name
};

[[nodiscard]] nlohmann::ordered_json device_report(const device::Counters& counters);
[[nodiscard]] nlohmann::ordered_json status_report(const StatusSource& source, Instant now);

}  // namespace rapport::app
