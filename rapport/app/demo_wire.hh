// A wire between two shards of one process: two devices, each of which receives what the other
// sends. Packets are copied, so that neither shard's buffers outlive it. A wire that is full loses
// what comes.
#pragma once

#include "rapport/device/device.hh"

#include <expected>
#include <memory>

namespace rapport::app {

struct WireEnds {
  std::unique_ptr<device::Device> a, b;
};

// The error is the errno of eventfd(2).
[[nodiscard]] std::expected<WireEnds, int> make_wire();

}  // namespace rapport::app
