// Standing: why a connection is in its state and whose move is next, in one sentence, from what the
// stack knows of it now (STATUS) and from its last change of state (Watch).
#pragma once

#include "rapport/base/time.hh"
#include "rapport/observe/watch.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/tcp/state.hh"

#include <cstdint>
#include <string>
#include <string_view>

namespace rapport::observe {

// Whom a connection waits for.
enum class Mover : uint8_t { Peer, Application, Stack, Timer, Either, Nobody };

[[nodiscard]] std::string_view name(Mover m);  // "peer", "application", ...

struct View {
  tcp::State state = tcp::State::Closed;
  const Watched* watched = nullptr;     // nullptr: not known
  const tcp::Status* status = nullptr;  // nullptr: a listener, half-open or in TIME-WAIT
  Instant now;
  Duration two_msl{};
};

[[nodiscard]] Mover mover_of(const View& view);

// "the peer has closed, the application has not: the application's move; CLOSE-WAIT since FIN,ACK
// seq 75 arrived 3.2 s ago (RFC 9293 3.10.7.4, eighth)"
[[nodiscard]] std::string sentence(const View& view);

// How long it has been in its state; 0 when that is not known.
[[nodiscard]] Duration age_of(const View& view);

}  // namespace rapport::observe
