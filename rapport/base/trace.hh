// The trace: one record for everything that happens to a connection and why, from the first day.
// A record is a 64-byte header and a typed tail of up to 192 octets (256 in all). The core writes
// into a plain ring with one branch when nobody listens; who reads it (ladder, JSON, pcapng, tests)
// computes everything from it. When the ring is full the oldest records go and are counted as lost.
#pragma once

#include "rapport/base/flow_key.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/time.hh"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

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

// Why a segment left: the stack itself, a timer, or an application's call (DESIGN, `demo life`).
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

struct TraceHeader {
  Instant at;
  Handle connection;  // 0 when there is none (half-open, TIME-WAIT, nobody)
  FlowKey key;
  IpAddress local;
  TraceKind kind;
  uint8_t tail_length;
  uint16_t reserved;
  uint32_t number;  // running number in this trace
};

static_assert(sizeof(TraceHeader) == 64);

struct TraceRecord {
  TraceHeader header;
  std::byte tail[192];

  // The typed tail; T must be the type that header.kind names.
  template <class T>
  [[nodiscard]] T as() const {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof(tail));
    T value;
    std::memcpy(&value, tail, sizeof(T));
    return value;
  }
};

static_assert(sizeof(TraceRecord) == 256);

// A ring of records. enabled() is the one branch of the silent case. Memory is taken in enable().
class Trace {
 public:
  // Keeps the last `records` records (rounded up to a power of two, at most 2^24); 0 turns tracing
  // off.
  void enable(uint32_t records);

  [[nodiscard]] bool enabled() const { return mask_ != 0; }

  // How many payload octets of each segment are kept (at most 64; default 0).
  void set_snap_length(uint8_t octets) { snap_length_ = octets > 64 ? 64 : octets; }

  [[nodiscard]] uint8_t snap_length() const { return snap_length_; }

  template <class T>  // NOLINTNEXTLINE(readability-function-size): the fields of a record
  void write(TraceKind kind, Instant at, Handle connection, const FlowKey& key,
             const IpAddress& local, const T& tail) {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 192);
    TraceRecord& r = claim();
    r.header = {at, connection, key, local, kind, sizeof(T), 0, static_cast<uint32_t>(written_)};
    std::memcpy(r.tail, &tail, sizeof(T));
  }

  // Takes the oldest unread record; false when there is none.
  bool read(TraceRecord& out);

  // Records overwritten before anyone read them.
  [[nodiscard]] uint64_t lost() const { return lost_; }

  [[nodiscard]] uint64_t written() const { return written_; }

 private:
  TraceRecord& claim();
  std::vector<TraceRecord> ring_;
  uint64_t written_ = 0, read_ = 0, lost_ = 0;
  uint32_t mask_ = 0;
  uint8_t snap_length_ = 0;
};

}  // namespace rapport
