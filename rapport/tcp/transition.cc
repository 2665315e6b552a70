// The table of every legal move between states (RFC 9293 3.3.2, Figure 5, and 3.10), checked when
// this file is compiled; names for people.
#include "rapport/tcp/state.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace rapport::tcp {

namespace {

using enum State;
using enum Event;

constexpr const char* kOpenCall = "RFC 9293 3.10.1, OPEN";
constexpr const char* kCloseCall = "RFC 9293 3.10.4, CLOSE";
constexpr const char* kAbortCall = "RFC 9293 3.10.5, ABORT";
constexpr const char* kListenSyn = "RFC 9293 3.10.7.2, third";
constexpr const char* kSentReset = "RFC 9293 3.10.7.3, second";
constexpr const char* kSentSyn = "RFC 9293 3.10.7.3, fourth";
constexpr const char* kReset = "RFC 9293 3.10.7.4, second";
constexpr const char* kSyn = "RFC 9293 3.10.7.4, fourth";
constexpr const char* kAck = "RFC 9293 3.10.7.4, fifth";
constexpr const char* kFin = "RFC 9293 3.10.7.4, eighth";
constexpr const char* kHardError = "RFC 9293 3.9.2.2, SHLD-26";
constexpr const char* kTimeout = "RFC 9293 3.10.8, time-outs";
constexpr const char* kUnread = "RFC 9293 3.6.1, SHLD-3";
constexpr const char* kEvict = "table full, oldest first";
constexpr const char* kListener = "RFC 9293 3.10.4, CLOSE of LISTEN";

constexpr std::array kTable{
    Transition{Closed, OpenedPassive, Listen, kOpenCall},
    Transition{Closed, OpenedActive, SynSent, kOpenCall},
    Transition{Listen, CloseCalled, Closed, kCloseCall},
    Transition{Listen, AbortCalled, Closed, kAbortCall},
    Transition{Listen, SynArrived, SynReceived, kListenSyn},

    Transition{SynSent, SynArrived, SynReceived, kSentSyn},
    Transition{SynSent, SynAckArrived, Established, kSentSyn},
    Transition{SynSent, RstArrived, Closed, kSentReset},
    Transition{SynSent, CloseCalled, Closed, kCloseCall},
    Transition{SynSent, AbortCalled, Closed, kAbortCall},
    Transition{SynSent, GaveUp, Closed, kTimeout},
    Transition{SynSent, HardErrorArrived, Closed, kHardError},
    Transition{SynSent, Evicted, Closed, kEvict},

    Transition{SynReceived, SynAcked, Established, kAck},
    Transition{SynReceived, RstArrived, Closed, kReset, Listen},
    Transition{SynReceived, SynInWindow, Closed, kSyn, Listen},
    Transition{SynReceived, CloseCalled, FinWait1, kCloseCall},
    Transition{SynReceived, AbortCalled, Closed, kAbortCall},
    Transition{SynReceived, GaveUp, Closed, kTimeout, Listen},
    Transition{SynReceived, HardErrorArrived, Closed, kHardError, Listen},
    Transition{SynReceived, Evicted, Closed, kEvict},
    Transition{SynReceived, ListenerClosed, Closed, kListener},
    Transition{SynReceived, ReuseRefused, TimeWait, "RFC 9293 3.6.1, MAY-2 (2)"},

    Transition{Established, FinArrived, CloseWait, kFin},
    Transition{Established, CloseCalled, FinWait1, kCloseCall},
    Transition{Established, RstArrived, Closed, kReset},
    Transition{Established, AbortCalled, Closed, kAbortCall},
    Transition{Established, GaveUp, Closed, kTimeout},
    Transition{Established, ListenerClosed, Closed, kListener},
    Transition{Established, DataAfterClose, Closed, kUnread},

    Transition{FinWait1, FinAcked, FinWait2, kAck},
    Transition{FinWait1, FinArrived, Closing, kFin},
    Transition{FinWait1, RstArrived, Closed, kReset},
    Transition{FinWait1, AbortCalled, Closed, kAbortCall},
    Transition{FinWait1, DataAfterClose, Closed, kUnread},
    Transition{FinWait1, GaveUp, Closed, kTimeout},

    Transition{FinWait2, FinArrived, TimeWait, kFin},
    Transition{FinWait2, RstArrived, Closed, kReset},
    Transition{FinWait2, AbortCalled, Closed, kAbortCall},
    Transition{FinWait2, DataAfterClose, Closed, kUnread},
    Transition{FinWait2, GaveUp, Closed, "orphan limit (choice 5)"},

    Transition{CloseWait, CloseCalled, LastAck, kCloseCall},
    Transition{CloseWait, RstArrived, Closed, kReset},
    Transition{CloseWait, AbortCalled, Closed, kAbortCall},
    Transition{CloseWait, GaveUp, Closed, kTimeout},
    Transition{CloseWait, ListenerClosed, Closed, kListener},

    Transition{Closing, FinAcked, TimeWait, kAck},
    Transition{Closing, RstArrived, Closed, kReset},
    Transition{Closing, AbortCalled, Closed, kAbortCall},
    Transition{Closing, GaveUp, Closed, kTimeout},

    Transition{LastAck, FinAcked, Closed, kAck},
    Transition{LastAck, RstArrived, Closed, kReset},
    Transition{LastAck, AbortCalled, Closed, kAbortCall},
    Transition{LastAck, GaveUp, Closed, kTimeout},

    Transition{TimeWait, TimeWaitExpired, Closed, "RFC 9293 3.10.8, TIME-WAIT timeout"},
    Transition{TimeWait, RstArrived, Closed, kReset},
    Transition{TimeWait, AbortCalled, Closed, kAbortCall},
    Transition{TimeWait, TupleReused, SynReceived, "RFC 6191 2, MAY-2"},
    Transition{TimeWait, Evicted, Closed, kEvict},
};

consteval bool pairs_are_unique() {
  for (size_t i = 0; i < kTable.size(); ++i) {
    for (size_t j = i + 1; j < kTable.size(); ++j) {
      if (kTable[i].from == kTable[j].from && kTable[i].event == kTable[j].event) return false;
    }
  }
  return true;
}

// From each state but CLOSED there is a way to CLOSED in at most kStates moves.
consteval bool every_state_can_end() {
  std::array<bool, kStates> ends{};
  ends[0] = true;
  for (int round = 0; round < kStates; ++round) {
    for (const Transition& t : kTable) {
      if (ends[static_cast<size_t>(t.to)]) ends[static_cast<size_t>(t.from)] = true;
    }
  }
  for (const bool e : ends) {
    if (!e) return false;
  }
  return true;
}

static_assert(pairs_are_unique());
static_assert(every_state_can_end());

consteval auto make_index() {
  std::array<std::array<uint8_t, kEvents>, kStates> index{};
  for (auto& row : index) row.fill(0xff);
  for (size_t i = 0; i < kTable.size(); ++i) {
    index[static_cast<size_t>(kTable[i].from)][static_cast<size_t>(kTable[i].event)] =
        static_cast<uint8_t>(i);
  }
  return index;
}

constexpr auto kIndex = make_index();

constexpr std::array<std::string_view, kStates> kStateNames{
    "CLOSED",     "LISTEN",     "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1",
    "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING",  "LAST-ACK",     "TIME-WAIT"};

constexpr std::array<std::string_view, kEvents> kEventNames{
    "passive open",  "active open",      "SYN arrived",     "SYN,ACK arrived", "SYN acknowledged",
    "close called",  "FIN acknowledged", "FIN arrived",     "RST arrived",     "SYN in window",
    "abort called",  "data after close", "gave up",         "2MSL expired",    "tuple reused",
    "reuse refused", "evicted",          "listener closed", "ICMP hard error"};

}  // namespace

std::span<const Transition> transitions() {
  return kTable;
}

std::string_view name(State s) {
  return kStateNames[static_cast<size_t>(s)];
}

std::string_view name(Event e) {
  return kEventNames[static_cast<size_t>(e)];
}

const Transition* find_transition(State from, Event event) {
  const uint8_t i = kIndex[static_cast<size_t>(from)][static_cast<size_t>(event)];
  return i == 0xff ? nullptr : &kTable[i];
}

}  // namespace rapport::tcp
