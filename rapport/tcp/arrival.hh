// SEGMENT ARRIVES for connections beyond LISTEN and SYN-SENT: the named steps of RFC 9293 3.10.7.4,
// each in its own file. A step notes what is owed; it never sends, reads a clock, allocates memory
// outside slabs, or frees a connection. It returns false when the segment goes no further.
#pragma once

#include "rapport/tcp/context.hh"  // IWYU pragma: export
#include "rapport/wire/tcp.hh"

#include <cstdint>
#include <span>

namespace rapport::tcp {

// A segment on its way through the steps: what is left of it after trimming.
struct Arrival {
  const wire::Segment& whole;  // as it came
  Seq seq;                     // of the first octet of `text`
  std::span<const uint8_t> text;
  bool syn = false;
  bool fin = false;
  SeqRange again{};     // text left of the window that was trimmed off; empty: none
  bool beyond = false;  // something right of it was

  explicit Arrival(const wire::Segment& s)
      : whole(s),
        seq(s.seq),
        text(s.text),
        syn(s.flags.any(wire::kSyn)),
        fin(s.flags.any(wire::kFin)) {}

  [[nodiscard]] bool was_trimmed() const { return beyond || !again.empty(); }

  [[nodiscard]] bool has(wire::Flags f) const { return whole.flags.any(f); }

  [[nodiscard]] ByteCount length() const { return ByteCount{text.size() + (fin ? 1U : 0U)}; }

  [[nodiscard]] Seq end() const { return seq + length(); }
};

void segment_arrives(Connection& c, const wire::Segment& seg, Context& cx);

[[nodiscard]] bool sequence_is_acceptable(Connection& c, Arrival& a, Context& cx);  // first
[[nodiscard]] bool survives_reset(Connection& c, Arrival& a, Context& cx);          // second
[[nodiscard]] bool is_no_stray_syn(Connection& c, Arrival& a, Context& cx);         // fourth
[[nodiscard]] bool ack_is_processed(Connection& c, Arrival& a, Context& cx);        // fifth
[[nodiscard]] bool trimming_is_told(Connection& c, Arrival& a, Context& cx);        // after it
[[nodiscard]] bool urgent_is_noted(Connection& c, Arrival& a, Context& cx);         // sixth
[[nodiscard]] bool text_is_taken(Connection& c, Arrival& a, Context& cx);           // seventh
[[nodiscard]] bool fin_is_taken(Connection& c, Arrival& a, Context& cx);            // eighth

// The eighth has work: this segment's FIN, or one that waits behind a hole.
[[nodiscard]] inline bool may_finish(const Connection& c, const Arrival& a, const Context& cx) {
  const Transfer* x = cx.transfer_of(c);
  return a.fin || (x != nullptr && x->receive.fin_waits);
}

// The ACK of an established connection: SND.UNA, window, duplicate ACKs (fifth, ESTABLISHED).
[[nodiscard]] bool acknowledgment_is_taken(Connection& c, Arrival& a, Context& cx);
// The handshake is over: what both ends learn at that moment.
void becomes_established(Connection& c, Context& cx);
void window_is_learnt(Connection& c, const Arrival& a, ByteCount window);

// --- debts ------------------------------------------------------------------------------------
void owe_ack(Connection& c, Context& cx);
// An ACK of its own for this segment: paid in order at settling.
void owe_own_ack(Connection& c, Debt debt, Context& cx);
// A challenge ACK (RFC 5961), throttled per connection and by a host cap drawn anew each second.
[[gnu::cold]] void owe_challenge(Connection& c, Context& cx);
// Takes one from the host's allowance of this second; false when it is used up.
[[nodiscard, gnu::cold]] bool host_may_challenge(Context& cx);
// In-order text of this length was taken: at once, delayed, or every second segment.
void owe_ack_for_text(Connection& c, Transfer& x, uint32_t octets, Context& cx);

}  // namespace rapport::tcp
