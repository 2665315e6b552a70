// What an application may ask of TCP: the user calls of RFC 9293 3.9.1 as values. A Stack carries
// them out through command(c, now); each call is recorded in the trace. Errors are the closed list
// of base/reason.hh; nothing is thrown.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/tcp/config.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/icmp_error.hh"

#include <cstdint>
#include <optional>
#include <span>

namespace rapport::tcp {

// Active OPEN (3.9.1.1). The SYN leaves with the next frames; Event::Connected or Ended follows.
// Errors: RemoteUnspecified, RemoteInvalid, LocalInvalid, AlreadyExists, NoFreePort,
// InsufficientResources, NotAllowed, Unreachable, InvalidArgument (addresses of two families).
struct Connect {
  Endpoint remote;
  IpAddress local_address{};  // unspecified: chosen from the stack's (MUST-43, MUST-44)
  uint16_t local_port = 0;    // 0: an ephemeral port by RFC 6056
  uint64_t cookie = 0;        // comes back in every event of this connection
  const ConnectionOptions* options = nullptr;  // nullptr: Config::defaults; copied
};

// Passive OPEN. Errors: AlreadyExists, LocalInvalid, RemoteInvalid, NotAllowed, InvalidArgument
// (port 0), InsufficientResources.
struct Listen {
  IpAddress local_address{};  // ::, any of ours; 0.0.0.0, any of ours in IPv4
  uint16_t port = 0;
  Endpoint remote{};       // a fully specified passive OPEN; unspecified: anyone
  uint32_t backlog = 128;  // connections that wait to be accepted, and handshakes under way
  uint64_t cookie = 0;
  const ConnectionOptions* options = nullptr;
};

// The oldest connection that waits. Errors: WouldBlock, DoesNotExist.
struct Accept {
  Handle listener;
  uint64_t cookie = 0;  // for the events of the accepted connection
};

// Queues a copy of as much of `bytes` as fits and returns how much (3.9.1.2). Errors: WouldBlock
// (no room at all), Closing, Reset…, DoesNotExist, RemoteUnspecified (on a listener),
// InsufficientResources (urgent, and every Extras is taken: nothing is queued).
struct Send {
  Handle connection;
  std::span<const uint8_t> bytes;
  bool urgent = false;  // the urgent pointer is set behind the last octet (MUST-62)
  bool more = false;    // more follows at once: as ConnectionOptions::cork, until the next Send
};

// Queues `bytes` without a copy: they must stay as they are until Config's release function is
// called with `token`, once, when all are acknowledged or the connection is gone. All or nothing;
// more octets than the send buffer holds are InvalidArgument.
struct SendBorrowed {
  Handle connection;
  std::span<const uint8_t> bytes;
  uint64_t token = 0;
};

// Copies queued text out (3.9.1.3) and returns how much. Errors: WouldBlock (nothing yet), Closing
// (the peer has finished and all is read: end of file), Reset…, DoesNotExist.
struct Receive {
  Handle connection;
  std::span<uint8_t> into;
  bool peek = false;  // true: the text stays queued
};

// Consumes text that was looked at through Stack::readable().
struct Consume {
  Handle connection;
  ByteCount octets;
};

// CLOSE of the sending side only: a FIN follows the queued text; reading goes on (half close).
struct ShutdownWrite {
  Handle connection;
};

// CLOSE for good: the reader is gone too. Unread text draws an RST (RFC 2525 2.17); linger applies.
// The handle answers Closing until the connection has ended. On a listener: see CloseListener.
struct Close {
  Handle connection;
};

// ABORT: everything is thrown away and an RST sent where the peer could know of us.
struct Abort {
  Handle connection;
};

// Queued, unaccepted children are reset; embryonic ones vanish (connection-life 1.5).
struct CloseListener {
  Handle listener;
};

// Replaces the options of a connection or listener. Fields fixed at opening (receive_buffer's
// window scale, mss_clamp once offered) keep their effect. Errors: NotAllowed, DoesNotExist.
struct SetOptions {
  Handle target;
  ConnectionOptions options;
};

// How many connections may wait to be accepted from now on; at least 1. Those that wait stay.
// Errors: InvalidArgument, DoesNotExist, NotAllowed.
struct SetBacklog {
  Handle listener;
  uint32_t backlog = 128;
};

// STATUS (3.9.1.6).
struct GetStatus {
  Handle target;
};

struct Status {
  State state = State::Closed;
  Endpoint local, remote;
  uint64_t cookie = 0;
  bool passive = false;  // opened by a listener
  bool orphan = false;   // the application has closed for good
  bool window_scaling = false, sack = false, timestamps = false;
  uint8_t snd_shift = 0, rcv_shift = 0;
  uint16_t mss = 0;  // largest text of a segment before options
  Seq iss, irs, snd_una, snd_nxt, rcv_nxt;
  ByteCount snd_wnd, rcv_wnd;           // in octets, scaled
  ByteCount send_queue, receive_queue;  // unacknowledged and unsent / in order and unread
  ByteCount out_of_order;               // received beyond a hole
  ByteCount urgent_ahead;           // octets up to the end of urgent data not yet read (MUST-33)
  uint32_t cwnd = 0, ssthresh = 0;  // octets
  Duration srtt{}, rttvar{}, rto{};
  uint32_t retransmissions = 0;    // in a row, of the oldest unacknowledged segment
  std::optional<TimerKind> timer;  // the next one that runs, and when it fires
  Instant timer_at;
  uint32_t backlog_waiting = 0;                         // listener: to be accepted
  uint32_t half_open = 0;                               // listener: handshakes under way
  wire::IcmpKind soft_error = wire::IcmpKind::Unknown;  // the last that ICMP told; Unknown: none
  ConnectionOptions options;
};

// What happened, as bits: several may be reported at once.
enum class What : uint16_t {
  Connected = 1,         // the handshake is complete (active side)
  Acceptable = 2,        // listener: Accept will find a connection
  Readable = 4,          // new text in order
  Writable = 8,          // room in the send queue again, after a Send that was cut short
  PeerFinished = 16,     // the peer's FIN: after the text, Receive answers Closing
  Urgent = 32,           // the urgent pointer moved (MUST-32)
  DeliveryTrouble = 64,  // R1 passed without an ACK (SHLD-9), or ICMP: Status::soft_error (SHLD-25)
  AllAcknowledged = 128,  // after ShutdownWrite or Close: our FIN is acknowledged
  Ended = 256,            // the connection is gone: see `reason`; the handle is stale from now on
};

constexpr uint16_t operator|(What a, What b) {
  return static_cast<uint16_t>(a) | static_cast<uint16_t>(b);
}

struct Occurrence {
  Handle handle;
  uint64_t cookie = 0;
  uint16_t what = 0;  // bits of What
  CloseReason reason = CloseReason::None;
  wire::IcmpKind icmp = wire::IcmpKind::Unknown;  // DeliveryTrouble, Ended: Status::soft_error

  [[nodiscard]] bool is(What w) const { return (what & static_cast<uint16_t>(w)) != 0; }
};

}  // namespace rapport::tcp
