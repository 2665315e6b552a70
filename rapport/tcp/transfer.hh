// What a Connection needs only while text is queued, in flight, unread or out of order (Transfer),
// and only when an application asked for more than the defaults or for urgent data (Extras).
#pragma once

#include "rapport/base/handle.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/tcp/config.hh"
#include "rapport/tcp/congestion/controller.hh"
#include "rapport/wire/icmp_error.hh"

#include <array>
#include <cstdint>
#include <variant>

namespace rapport::tcp {

inline constexpr uint32_t kBlockOctets = 4096;

// Memory for queued, unread and out-of-order text. Never cleared: what was not written is not read.
struct Block {
  Block() {}  // NOLINT(modernize-use-equals-default): leaves the octets as they are

  alignas(64) uint8_t octets[kBlockOctets];
};

// One run of the send queue: a Block of our own, or memory borrowed from the application.
struct Piece {
  uint32_t next = kNone;
  uint32_t block = kNone;  // kNone: borrowed
  const uint8_t* data = nullptr;
  uint64_t token = 0;  // borrowed: what release() is called with
  uint32_t length = 0;
  uint32_t reserved = 0;
};

static_assert(sizeof(Piece) == 32);

// A place in the send queue.
struct Cursor {
  uint32_t piece = kNone;
  uint32_t offset = 0;  // within the piece
};

// The send queue: text from SND.UNA on. Retransmission reads at the head, new text at `unsent`.
struct SendQueue {
  uint32_t head = kNone, tail = kNone;
  uint32_t head_offset = 0;  // octets of the head that are acknowledged
  uint32_t pieces = 0;
  ByteCount queued;  // from SND.UNA to the end
  Cursor unsent;     // where SND.NXT's text begins
  Cursor again;      // where `resend`'s text begins
};

// Text received: blocks addressed by stream position (sequence number - IRS - 1), in order and out
// of order alike, so that overlapping text simply lands where it belongs.
struct ReceiveQueue {
  static constexpr uint32_t kSlots = 8;
  std::array<uint32_t, kSlots> slots{};  // blocks, or directories of 1024 blocks when `wide`
  Seq read;                              // the first octet that the application has not consumed
  uint32_t first_block = 0;              // number of the lowest block that may be present
  uint32_t end_block = 0;                // one more than the highest block present
  bool wide = false;
  uint32_t holes = kNone;        // block with the sorted out-of-order runs, when there are any
  uint32_t runs = 0;             // how many
  std::array<Seq, 16> recent{};  // a point in each of the most recently reported runs, newest first
  uint32_t recent_count = 0;
  Seq fin_at;  // sequence number of a FIN that waits for the hole before it
  bool fin_waits = false;
};

struct Transfer {
  SendQueue send;
  ReceiveQueue receive;
  Controller controller;
  Seq recover;             // RFC 6582
  Seq resend, resend_end;  // while `resending`: the next number to send again, and where to stop
  Seq sacked_left, sacked_right;  // the block that the peer reported last
  Seq nxt_before_dups;            // SND.NXT when the first duplicate ACK came
  Seq timed_seq;                  // an ACK beyond this ends the measured round trip
  Micros timed_at;
  bool in_recovery = false;
  bool partial_seen = false;  // the first partial ACK restarts the timer, others do not
  bool resending = false;
  bool timing = false;
  bool measured = false;  // no other sample of the round trip that `timed_seq` ends
  bool recover_valid = false;
  bool window_limited = false;  // a whole cwnd was in flight since the last ACK
  uint8_t limited = 0;          // segments beyond cwnd by RFC 3042, while there are duplicate ACKs
  uint32_t ack_pending = 0;     // octets of in-order text since our last ACK
  // What the path carries, in octets of text (RFC 5927 7.2; icmp.hh):
  uint16_t largest_sent = 0, largest_acked = 0;
  uint16_t deferred_mtu = 0;     // of a "too big" that waits for a timeout; 0: none does
  Seq largest_end, deferred_at;  // behind the largest; the quoted number
};

static_assert(sizeof(Transfer) <= 512);

struct Extras {
  uint32_t reserved = 0;  // the slab's free list
  Seq snd_up, rcv_up;     // RFC 9293 3.8.5
  bool snd_urgent = false, rcv_urgent = false;
  bool lingering = false;
  uint8_t keep_alives_sent = 0;
  Tick keep_alive_at;  // when the last probe was sent
  Tick linger_until;
  wire::IcmpKind soft_error = wire::IcmpKind::Unknown;  // the last; Unknown: none
  ConnectionOptions options;
};

static_assert(sizeof(Extras) <= 128);

}  // namespace rapport::tcp
