// Incarnation: one life of one end of a connection, from its OPEN or the SYN that called it into
// being until nothing of it is left, as the trace tells it; and what is remembered of a pair of
// sockets between two lives. Written by Invariants, which compares the lives of both ends.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/sim/oracle.hh"
#include "rapport/sim/patience.hh"
#include "rapport/sim/receiver.hh"
#include "rapport/sim/sender.hh"
#include "rapport/sim/world.hh"
#include "rapport/tcp/config.hh"
#include "rapport/tcp/state.hh"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace rapport::sim {

// One end's pair of sockets. In one world it names its host, too.
struct Tuple {
  Endpoint local, remote;
  friend constexpr auto operator<=>(const Tuple&, const Tuple&) = default;

  [[nodiscard]] constexpr Tuple mirror() const { return {remote, local}; }
};

inline constexpr size_t kNobody = SIZE_MAX;

struct Incarnation {
  HostId host = kNoHost;
  Tuple tuple;
  tcp::State state = tcp::State::Closed;
  std::optional<Seq> iss, irs;
  bool passive = false;  // by a listener
  bool ended = false, crashed = false;
  bool has_handle = false;  // Invariants knows it by the handle of its Connection, too
  tcp::Event ended_by{};
  size_t suspended = kNobody;  // the life in TIME-WAIT that gave way to this one (RFC 6191)

  // What it sent.
  Seq snd_max;                  // behind everything sent
  Seq una, una_before;          // acknowledged by the peer; before the last segment
  std::optional<Seq> fin_end;   // behind our FIN
  std::optional<Seq> ack_sent;  // the largest ACK sent at `ack_sent_at`, and before that
  std::optional<Seq> ack_before;
  Instant ack_sent_at = kNever;
  std::optional<Seq> edge_sent;  // the rightmost window edge that it ever offered
  std::optional<uint32_t> tsval_sent, tsecr_sent;
  uint8_t own_shift = 0, peer_shift = 0;

  // What it received. Trusted: sent by a life whose numbers mirror this one's.
  Coverage received, trusted;  // offsets from IRS + 1
  std::vector<Seq> fins;       // the number of the peer's FIN; several if some are forged
  size_t fins_before = 0;      // how many before the last segment
  bool fin_trusted = false;
  ByteCount early_window;           // what the peer offered before our SYN left
  std::optional<Seq> edge_offered;  // the rightmost that the peer ever offered

  // What its application wrote and read, as far as programs told of it.
  std::vector<uint8_t> written;
  bool written_known = true;  // `written` is all that was written
  uint64_t octets_written = 0, octets_read = 0;
  std::vector<uint64_t> ends_of_sends;  // octets written after each SEND

  // Timing.
  Instant ack_owed = kNever;  // text in order came, no ACK has left since
  Instant timer_at{};         // the last retransmission by the timer
  uint32_t rto_ms = 0;        // what it had waited
  uint32_t attempt = 0;       // how many there were in a row

  // Second opinions, and how many segments of the host were not sent when they were asked last.
  uint64_t unsent = 0;
  Sender sender;
  Receiver receiver;
  Patience patience;
};

// What is known of a pair of sockets, whoever lives there.
struct Place {
  size_t current = kNobody;           // who lives there now
  size_t last = kNobody;              // or lived there last
  std::optional<TraceSegment> heard;  // the last segment that came
  Instant heard_at = kNever;
  std::deque<TraceSegment> provoked;  // came to nobody or to a handshake: each may draw an RST
  uint32_t resets_owed = 0;           // of lives that ended by one
  bool last_word = false;             // a reset was sent, what ended the life comes next
  TraceSegment last_reset{};          // this one
  bool must_abort = false;            // CLOSE was called, which has to end in a reset
  Instant lingered_at = kNever;       // the time to linger has passed
  std::optional<tcp::ConnectionOptions> options;  // that programs chose for these sockets
  std::deque<uint8_t> to_write, just_read;        // told by programs, not yet seen in the trace
};

// A segment with text as it left: who sent it, and what that one knew of its peer.
struct SentNote {
  size_t by = kNobody;
  uint32_t seq = 0, length = 0;  // of the text
  std::optional<Seq> irs;
};

}  // namespace rapport::sim
