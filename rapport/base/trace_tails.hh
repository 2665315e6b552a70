// The tails of trace records: what is known of each kind of thing that happens.
// Plain values of at most 192 octets; enumerators of higher layers stand in them as octets.
#pragma once

#include <cstdint>

namespace rapport {

enum class TraceKind : uint8_t {
  Segment,     // TraceSegment: a TCP segment sent or received, headers as on the wire
  Transition,  // TraceTransition: a change of state and its cause
  Timer,       // TraceTimer: a timer fired
  Options,     // TraceOptions: what a handshake agreed on
  Drop,        // TraceDrop: a packet or segment dropped and why
  Call,        // TraceCall: the application called
  Sample,      // TraceSample: cwnd, ssthresh, flight, srtt, rto, windows, SACK ranges
  Ended,       // TraceEnded: a connection's CloseReason
  Icmp,        // TraceIcmp: ICMP told of trouble with a segment that we sent
};

enum class Direction : uint8_t { Sent, Received };

struct TraceSegment {
  uint32_t seq, ack, text_length;
  uint32_t relative_seq, relative_ack;  // to the ISS/IRS of the flow where known, else 0
  uint16_t window;                      // as on the wire
  uint16_t urgent;
  uint8_t flags;           // wire::Flags
  uint8_t direction;       // Direction
  uint8_t state;           // tcp::State after it was sent / before it was processed
  uint8_t cause;           // SendCause for a sent segment
  uint32_t serial;         // the sending stack's frame number
  uint8_t retransmission;  // 1 when any of it was sent before
  uint8_t relative_known;  // 1 when relative_seq/_ack mean something
  uint8_t option_length;   // octets in options
  uint8_t snap_length;     // octets of payload in snap
  uint8_t options[40];
  uint8_t snap[64];
};

// Why a segment left: the stack itself, a timer, or an application's call (`demo life` draws them
// apart).
enum class SendCause : uint8_t { Stack, Call, Timer, Answer };

struct TraceTransition {
  uint8_t from, to;  // tcp::State
  uint8_t event;     // tcp::Event
  uint8_t reserved;
  char clause[60];  // e.g. "RFC 9293 3.10.7.4, eighth"
};

enum class TimerKind : uint8_t {
  Retransmission,
  SynRetransmission,
  DelayedAck,
  Persist,
  KeepAlive,
  UserTimeout,
  TimeWait,
  FinWait2,
  Linger,
  SillyWindow,
  HalfOpen
};

struct TraceTimer {
  uint8_t timer;    // TimerKind
  uint8_t attempt;  // how often it has fired in a row, 1 for the first
  uint16_t reserved;
  uint32_t interval_ms;  // what it waited, where known
};

struct TraceOptions {
  uint16_t mss_sent, mss_received;                   // 0: absent
  uint8_t window_scale_sent, window_scale_received;  // shift, 0xff: absent
  uint8_t sack_sent, sack_received;
  uint8_t timestamps_sent, timestamps_received;
  uint8_t scaling_on, sack_on, timestamps_on;
  uint8_t reserved[3];
  uint32_t effective_mss;  // payload per segment without options
};

struct TraceDrop {
  uint8_t reason;  // DropReason
  uint8_t reserved[3];
  uint32_t serial;
};

enum class CallKind : uint8_t {
  OpenActive,
  OpenPassive,
  Accept,
  Send,
  Receive,
  ShutdownWrite,
  Close,
  Abort,
  SetOption,
  Status,
  CloseListener
};

struct TraceCall {
  uint8_t call;    // CallKind
  uint8_t failed;  // 1 when error says why
  uint8_t error;   // Error
  uint8_t reserved;
  uint32_t octets;  // sent or received, where that applies
};

struct TraceSample {
  uint32_t cwnd, ssthresh, flight, srtt_us, rttvar_us, rto_us;
  uint32_t snd_wnd, rcv_wnd, send_queue, receive_queue;
  uint32_t sack_count;
  uint32_t sack[8];  // left, right pairs, relative to IRS
};

struct TraceEnded {
  uint8_t reason;  // CloseReason
  uint8_t state;   // the state it ended in
  uint8_t reserved[2];
};

struct TraceIcmp {
  uint8_t trouble;     // wire::IcmpKind
  uint8_t type, code;  // as on the wire; 0, 0 when no message came: a neighbour did not answer
  uint8_t state;       // tcp::State before it was taken
  uint32_t sequence;   // of the segment that is quoted
  uint32_t mtu;        // "too big": of the next hop, else 0
};

}  // namespace rapport
