// A box on the way that meddles with TCP options, as some firewalls and old routers do.
#pragma once

#include <cstdint>
#include <span>

namespace rapport::sim {

// Puts NOPs over every option of `packet` (TCP in either family) whose kind's bit is set in
// `kinds`, and mends the checksum. Returns whether it found one; whatever is no such packet stays
// as it is.
bool strip_options(std::span<uint8_t> packet, uint64_t kinds);

}  // namespace rapport::sim
