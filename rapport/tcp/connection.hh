// The four tiers of a connection's lifetime as plain structs: Listener, HalfOpen, Connection,
// TimeWait. They hold what the RFC's words name and nothing that only matters while text moves
// (that is Transfer, transfer.hh). No methods: the steps work on them.
#pragma once

#include "rapport/base/flow_key.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/linked_list.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/base/timer_wheel.hh"
#include "rapport/tcp/config.hh"
#include "rapport/tcp/state.hh"

#include <cstdint>

namespace rapport::tcp {

// What an entry of the ConnectionTable can name: a slab's index in thirty bits.
inline constexpr uint32_t kLargestIndex = (1U << 30) - 1;

// RFC 9293 3.3.1, the send sequence space. nxt is the highest number sent so far plus one.
struct SendSpace {
  Seq una, nxt;
  ByteCount wnd;      // in octets, scaled
  Seq wl1, wl2;       // SEG.SEQ and SEG.ACK of the last window update
  ByteCount max_wnd;  // the largest window ever offered to us
  Seq iss;
};

struct ReceiveSpace {
  Seq nxt;
  Seq edge;  // the furthest right edge ever advertised: RCV.NXT + RCV.WND
  Seq irs;
  Seq last_ack_sent;  // RFC 7323 4.3
};

// What the one short timer of a Connection waits for (they exclude each other).
enum class Waiting : uint8_t { Nothing, Retransmission, Persist, SillyWindow, Orphan };

struct Connection {
  uint32_t dirty_next = kNone;  // list of connections that owe something
  uint32_t generation = 0;
  FlowKey key;
  uint32_t tag = 0;  // high half of the keyed hash of `key`
  State state = State::Closed;
  uint8_t retries = 0;  // retransmissions or probes in a row
  uint8_t dup_acks = 0;
  Waiting waiting : 3 = Waiting::Nothing;
  uint8_t backoff : 5 = 0;  // so often the RTO is doubled: until a round trip is measured

  SendSpace snd;
  ReceiveSpace rcv;

  uint32_t ts_recent = 0, ts_offset = 0;
  uint16_t heard_hour = 0;        // hours since the world began, modulo 2^16: for R7323-22
  uint16_t mss = 536;             // largest text we send, before options
  uint32_t srtt = 0, rttvar = 0;  // us, scaled by 8 and by 4; srtt == 0: no sample yet
  uint32_t cwnd = 0, ssthresh = 0;

  uint32_t transfer = kNone, extras = kNone;
  uint32_t listener_or_next = kNone;  // in the accept queue: the next one; TIME-WAIT: its entry
  uint32_t event_next = kNone;
  TimerNode timer;
  uint64_t cookie = 0;

  Micros short_at;      // when `waiting` ends
  Micros ack_at;        // when the delayed ACK is due, with `ack_delayed`
  Tick last_heard;      // last acceptable segment
  Tick last_sent;       // last text sent
  Tick stalled_since;   // since when the oldest outstanding octet waits: R2
  Tick challenged_at;   // RFC 5961 7, with `challenged`
  uint16_t events = 0;  // What, not yet told
  CloseReason reason = CloseReason::None;
  uint8_t quick_acks = 0;  // how many more ACKs go out at once
  uint8_t dscp : 6 = 0;
  uint8_t corked : 1 = 0;       // text that fills no segment waits: cork, or Send::more
  uint8_t path_proven : 1 = 0;  // a segment of the size `mss` was acknowledged (RFC 5927 7.2)
  uint8_t ttl = 64;
  uint16_t peer_mss = 0;  // as received; 0: no option

  uint32_t snd_shift : 4 = 0, rcv_shift : 4 = 0;
  uint32_t scaling_on : 1 = 0, sack_on : 1 = 0, timestamps_on : 1 = 0;
  uint32_t active_origin : 1 = 0;  // MUST-11
  uint32_t orphan : 1 = 0;         // the application has closed for good
  uint32_t unaccepted : 1 = 0;     // waits in an accept queue
  uint32_t dirty : 1 = 0, in_events : 1 = 0;
  uint32_t gone : 1 = 0;  // out of the table; only an event or an owner is left
  uint32_t fin_queued : 1 = 0, fin_sent : 1 = 0;
  uint32_t owes_syn : 1 = 0;     // a SYN or SYN-ACK is to be sent (again)
  uint32_t owes_ack : 1 = 0;     // one cumulative ACK at the next settling
  uint32_t ack_delayed : 1 = 0;  // ... or when ack_at has come
  uint32_t no_delay : 1 = 0, quick_ack : 1 = 0, keep_alive : 1 = 0;
  uint32_t wants_room : 1 = 0;     // a Send was cut short: Writable is due
  uint32_t syn_timed_out : 1 = 0;  // R6298-11
  uint32_t told_trouble : 1 = 0;
  uint32_t challenged : 1 = 0;
  uint32_t override_due : 1 = 0;  // the silly-window override has fired (U-17)
  uint32_t called : 1 = 0;        // a user call caused what is owed (for the trace)
  uint32_t syn_acked : 1 = 0;     // SND.UNA is beyond ISS (it may come by there again)
};

static_assert(sizeof(Connection) == 192, "three cache lines");

// A passive handshake: SYN-RECEIVED without a Connection (RFC 9293 3.10.7.2, third).
struct HalfOpen {
  Links links;  // in the list of entries with as many retries, by deadline
  FlowKey key;
  Seq irs, iss;
  uint32_t ts_recent = 0;
  Tick deadline;               // when the SYN-ACK is sent again
  uint32_t suspended = kNone;  // the TimeWait that this SYN took over from (RFC 6191)
  uint16_t listener = 0;
  uint16_t peer_mss = 0;  // 0: no option
  uint16_t window = 0;    // of the SYN, unscaled
  uint16_t offered = 0;   // our window in the SYN-ACK: what the listener's options were at the SYN
  uint16_t challenge_at : 10 = 0, challenged : 1 = 0;  // passive.hh, is_throttled()
  uint8_t retries : 4 = 0, snd_shift : 4 = 0;
  uint8_t scaling_on : 1 = 0, sack_on : 1 = 0, timestamps_on : 1 = 0;
  uint8_t resent : 1 = 0;  // answered a repeated SYN since the timer last fired
  uint8_t rcv_shift : 4 = 0;
};

static_assert(sizeof(HalfOpen) <= 64);

// What must be remembered for 2MSL (RFC 9293 3.6.1). In one list by order of expiry.
struct TimeWait {
  Links links;
  FlowKey key;
  uint32_t tag = 0;
  Seq snd_nxt, rcv_nxt;
  uint32_t ts_recent = 0;
  Tick expiry;
  uint32_t owner : 30 = kNone;  // the Connection that an application still holds
  uint32_t timestamps_on : 1 = 0, challenged : 1 = 0;
  uint16_t window = 0;                       // as on the wire, of our last segment
  uint16_t max_wnd = 0;                      // the largest of the peer, as on the wire: RFC 5961 5
  uint8_t shift : 4 = 0, snd_shift : 4 = 0;  // of the two windows
  uint8_t ttl = 64;
  uint16_t dscp : 6 = 0, challenge_at : 10 = 0;  // passive.hh, is_throttled()
};

static_assert(sizeof(TimeWait) <= 64);

// The LISTEN state.
struct Listener {
  uint32_t next = kNone;  // in the chain of its port's bucket
  uint32_t generation = 0;
  IpAddress local;  // unspecified: any of ours
  Endpoint remote;  // unspecified: anyone
  uint16_t port = 0;
  uint16_t index16 = 0;  // its own index, which HalfOpen keeps in 16 bits
  uint32_t backlog = 0;
  uint32_t waiting = 0;  // in the accept queue
  uint32_t half_open = 0;
  uint32_t accept_head = kNone, accept_tail = kNone;
  uint32_t event_next = kNone;
  uint64_t cookie = 0;
  bool in_events = false;
  bool closed = false;  // only an event that was not yet taken names it
  ConnectionOptions options;
};

}  // namespace rapport::tcp
