// The last lines of a world's trace, for people who look into a failed seed.
#pragma once

#include "rapport/base/wire_record.hh"
#include "rapport/sim/world.hh"

#include <cstddef>
#include <string>

namespace rapport::lives {

// One record as a line; empty for kinds that say nothing to people.
[[nodiscard]] std::string in_words(const HostRecord& r);

// Transitions, segments, drops, timers and calls of all hosts, the last `lines` of them.
[[nodiscard]] std::string last_words(const sim::World& world, size_t lines);

}  // namespace rapport::lives
