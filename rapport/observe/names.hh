// Words for what a trace holds: the kinds, causes, timers and calls of base/trace.hh and the
// control bits of a segment. `name` gives the keys of JSON (kebab-case), `words` what a ladder
// prints. States and events have their names in tcp/state.hh, reasons in base/reason.hh.
#pragma once

#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/wire/icmp_error.hh"

#include <cstdint>
#include <string>
#include <string_view>

namespace rapport::observe {

[[nodiscard]] std::string_view name(TraceKind k);       // "segment"
[[nodiscard]] std::string_view name(Direction d);       // "sent"
[[nodiscard]] std::string_view name(SendCause c);       // "call"
[[nodiscard]] std::string_view name(TimerKind t);       // "syn-retransmission"
[[nodiscard]] std::string_view name(wire::IcmpKind k);  // "port-unreachable"
[[nodiscard]] std::string_view name(CallKind c);        // "open-active"
[[nodiscard]] std::string_view words(TimerKind t);      // "SYN retransmission timer"
[[nodiscard]] std::string_view words(CallKind c);       // "connect()"
// "SYN,ACK"; "none" for a segment without any control bit. `flags` as on the wire.
[[nodiscard]] std::string flag_words(uint8_t flags);
// The clause of a transition as text.
[[nodiscard]] std::string clause_of(const TraceTransition& t);
// Seconds with three decimals, rounded down: "12.345". The instant or length must not be negative.
[[nodiscard]] std::string seconds(int64_t ns);

[[nodiscard]] inline std::string seconds(Instant t) {
  return seconds(t.ns);
}

[[nodiscard]] inline std::string seconds(Duration d) {
  return seconds(d.ns);
}

// A length for a sentence: "40 ms", "1.5 s", "2 h", without trailing zeros, rounded down to the ms.
[[nodiscard]] std::string length_words(Duration d);
// "1st", "2nd", "3rd", "11th"
[[nodiscard]] std::string ordinal(uint32_t n);
// "1 segment", "2 segments"
[[nodiscard]] std::string counted(uint64_t n, std::string_view noun);

}  // namespace rapport::observe
