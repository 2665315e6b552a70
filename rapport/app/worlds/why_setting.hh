// How the worlds of `rapport why` are set up that nobody had to find: a Stage with a rule switched
// off at every host, and pieces of programs that several questions share.
#pragma once

#include "rapport/app/demo_stage.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/sim/world.hh"
#include "rapport/socket/coroutine/opening.hh"
#include "rapport/socket/coroutine/stream.hh"
#include "rapport/socket/coroutine/task.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/rules.hh"

#include <cstdint>
#include <functional>
#include <optional>

namespace rapport::app {

// Every run of a question is one of these; Without: its rule is switched off.
enum class Side : uint8_t { With, Without };

// What the settings of a Stage are for a question: its seed, and a wire of 10 ms.
[[nodiscard]] DemoSettings setting_of(uint64_t seed);

// At every host that the stage has so far; on the side With nothing. What a world without a rule
// does the oracle cannot believe.
[[nodiscard]] sim::WorldConfig without(Stage& stage, std::optional<tcp::Rule> rule, Side side);

// Both buffers of a connection, so large.
[[nodiscard]] coroutine::ConnectOptions with_buffers(ByteCount octets);
// The server's program: each connection that comes gets a `program` of its own.
coroutine::Task<> serve_all(Stage& stage,
                            std::function<coroutine::Task<>(coroutine::Stream)> program);

// Octets that a stack holds for connections in whatever tier, and for their text.
[[nodiscard]] uint64_t memory_held(const stack::Stack& stack);
// Entries that it holds: connections, half-open ones and those in TIME-WAIT.
[[nodiscard]] uint64_t slots_held(const stack::Stack& stack);

}  // namespace rapport::app
