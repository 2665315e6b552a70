// The receive queue: text in order and out of order in blocks addressed by stream position, and the
// sorted list of out-of-order runs (RFC 9293 3.10.7.4, seventh; RFC 2018 3). Lookups of a position
// are O(1), of a run O(log n). It knows nothing of ACKs.
#pragma once

#include "rapport/tcp/context.hh"  // IWYU pragma: export
#include "rapport/wire/checksum.hh"

#include <cstdint>
#include <span>

namespace rapport::tcp {

// Octets in order that the application has not consumed.
[[nodiscard]] inline ByteCount unread(const Transfer& x, const Connection& c) {
  // In CLOSED only a close by the book, and so by both ends, has left text behind.
  const bool fin =
      is_one_of<State::CloseWait, State::Closing, State::LastAck, State::TimeWait, State::Closed>(
          c.state);
  return (c.rcv.nxt - x.receive.read) - (fin ? 1_B : 0_B);
}

// Octets beyond holes.
[[nodiscard]] ByteCount out_of_order(const ReceiveQueue& q, const Context& cx);
[[nodiscard]] SeqRange run_at(const ReceiveQueue& q, uint32_t i, const Context& cx);
// The run that holds `point`; false when there is none.
[[nodiscard]] bool find_run(const ReceiveQueue& q, Seq point, SeqRange& out, const Context& cx);

// Copies text to its place. False when there are too few blocks: nothing may then be acknowledged.
[[nodiscard]] bool store_text(ReceiveQueue& q, const Connection& c, Seq seq,
                              std::span<const uint8_t> text, Context& cx);

// The same for text at RCV.NXT, summed on the way.
[[nodiscard]] bool store_and_sum(ReceiveQueue& q, const Connection& c,
                                 std::span<const uint8_t> text, wire::PartialSum& sum, Context& cx);

struct Inserted {
  bool stored = false;  // false: no room for another run
  SeqRange duplicate;   // the first stretch of it that was there before
};

// Notes that [range) has been received beyond RCV.NXT; runs that touch become one.
[[nodiscard]] Inserted insert_run(ReceiveQueue& q, SeqRange range, Context& cx);
// RCV.NXT has moved to `nxt`: runs at or below it are taken up. Returns the new RCV.NXT.
[[nodiscard]] Seq absorb_runs(ReceiveQueue& q, Seq nxt, Context& cx);

// A contiguous stretch of unread text, the first behind `passed` octets of it (at most unread()).
[[nodiscard]] std::span<const uint8_t> text_behind(const Transfer& x, const Connection& c,
                                                   ByteCount passed, const Context& cx);

// The first contiguous stretch of unread text.
[[nodiscard]] inline std::span<const uint8_t> front_text(const Transfer& x, const Connection& c,
                                                         const Context& cx) {
  return text_behind(x, c, 0_B, cx);
}

// The application has taken `octets` (at most unread()).
void consume_text(Transfer& x, const Connection& c, ByteCount octets, Context& cx);
void release_all(ReceiveQueue& q, Context& cx);

}  // namespace rapport::tcp
