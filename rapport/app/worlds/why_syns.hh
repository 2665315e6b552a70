// What old SYNs cost a server over time: for the question two-way-handshake, beside the one SYN
// that the explorer finds.
#pragma once

#include "rapport/app/worlds/why_question.hh"

#include <cstdint>

namespace rapport::app {

// How many SYNs of clients that are gone reach the server.
inline constexpr uint32_t kOldSyns = 100;

struct OldSyns {
  Table memory;          // octets that the server's stack holds, over time
  uint64_t greeted = 0;  // octets that it sent to nobody, without the third segment
};

[[nodiscard]] OldSyns old_syns(uint64_t seed);

}  // namespace rapport::app
