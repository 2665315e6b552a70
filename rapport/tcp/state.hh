// The eleven states of RFC 9293 3.3.2, the events that move between them, and the constexpr table
// of every legal move. A state is one byte with one writer, advance() in transition.cc.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace rapport::tcp {

enum class State : uint8_t {
  Closed,
  Listen,
  SynSent,
  SynReceived,
  Established,
  FinWait1,
  FinWait2,
  CloseWait,
  Closing,
  LastAck,
  TimeWait
};
inline constexpr int kStates = 11;

// What moves a state: a segment, a call or a timer, as a past participle.
enum class Event : uint8_t {
  OpenedPassive,     // user: passive OPEN
  OpenedActive,      // user: active OPEN, SYN sent
  SynArrived,        // a SYN without ACK
  SynAckArrived,     // a SYN whose ACK covers ours
  SynAcked,          // an acceptable ACK of our SYN, in SYN-RECEIVED
  CloseCalled,       // user: CLOSE or shutdown of the sending side
  FinAcked,          // our FIN was acknowledged
  FinArrived,        // the peer's FIN, in order
  RstArrived,        // an acceptable reset
  SynInWindow,       // passive SYN-RECEIVED: back to LISTEN (RFC 9293 3.10.7.4, fourth)
  AbortCalled,       // user: ABORT, linger 0, or a close with unread data
  DataAfterClose,    // text after a full close (SHLD-3)
  GaveUp,            // R2, user timeout, keep-alive, orphan or linger time passed
  TimeWaitExpired,   // 2MSL
  TupleReused,       // RFC 6191: TIME-WAIT gave way to a newer SYN
  ReuseRefused,      // MAY-2 (2): that SYN was an old duplicate, TIME-WAIT is back
  Evicted,           // a table was full
  ListenerClosed,    // a queued child goes with its listener
  HardErrorArrived,  // ICMP: what the handshake asked for cannot be had (SHLD-26)
};
inline constexpr int kEvents = 19;

struct Transition {
  State from;
  Event event;
  State to;
  const char* clause;
  State passive_to = to;  // where a passively opened connection goes (MUST-11), if elsewhere
};

// Every legal move. The pair (from, event) is unique.
[[nodiscard]] std::span<const Transition> transitions();

[[nodiscard]] std::string_view name(State s);  // "FIN-WAIT-1"
[[nodiscard]] std::string_view name(Event e);  // "FIN arrived"
// The move for (from, event), or nullptr when there is none.
[[nodiscard]] const Transition* find_transition(State from, Event event);

// One test for several states.
template <State... kStatesMeant>
constexpr bool is_one_of(State s) {
  constexpr uint32_t kMask = ((1U << static_cast<uint32_t>(kStatesMeant)) | ...);
  return (kMask >> static_cast<uint32_t>(s) & 1U) != 0;
}

// ESTABLISHED and later: both ends have shown that they are there (RFC 9293 3.5.2, group 3).
constexpr bool is_synchronized(State s) {
  return s >= State::Established;
}

// The peer's FIN has been taken.
constexpr bool peer_has_finished(State s) {
  return is_one_of<State::CloseWait, State::Closing, State::LastAck, State::TimeWait>(s);
}

// Our side has closed: SEND is an error, a FIN is queued, sent or acknowledged.
constexpr bool we_have_closed(State s) {
  return is_one_of<State::FinWait1, State::FinWait2, State::Closing, State::LastAck,
                   State::TimeWait>(s);
}

}  // namespace rapport::tcp
