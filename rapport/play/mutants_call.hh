// Mutants of system calls and assertions. Within play/ only.
#pragma once

#include "rapport/play/mutants.hh"
#include "rapport/play/script.hh"

#include <cstddef>
#include <vector>

namespace rapport::play {

// Those of event `at` when it is a call or code; none of anything else.
void add_call_mutants(const Event& event, size_t at, std::vector<Mutant>& to);

}  // namespace rapport::play
