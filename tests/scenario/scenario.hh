// All that a scenario test needs: #include this, say `using namespace rapport::scenario;`.
#pragma once

#include "peer.hh"      // IWYU pragma: export
#include "registry.hh"  // IWYU pragma: export
#include "starts.hh"    // IWYU pragma: export
#include "words.hh"     // IWYU pragma: export

namespace rapport::scenario {
using namespace rapport;  // NOLINT: the vocabulary, for tests only
}
