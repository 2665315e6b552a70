// What passed the interface of one host of a played scenario, as a capture file (pcapng, link type
// RAW, virtual time counted from 1970).
#pragma once

#include "rapport/app/demo_stage.hh"

#include <cstdint>
#include <vector>

namespace rapport::app {

// The octets of the file.
[[nodiscard]] std::vector<uint8_t> capture_at(const Stage& stage, uint32_t host);

}  // namespace rapport::app
