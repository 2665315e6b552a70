// All that a scenario test needs: #include this, say `using namespace rapport::scenario;`.
#pragma once

// IWYU pragma: begin_exports
#include "peer.hh"
#include "rapport/base/address.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/tcp/config.hh"
#include "rapport/wire/options.hh"
#include "rapport/wire/tcp.hh"
#include "registry.hh"
#include "starts.hh"
#include "words.hh"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// IWYU pragma: end_exports

namespace rapport::scenario {
using namespace rapport;  // NOLINT: the vocabulary, for tests only
}
