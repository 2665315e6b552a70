// The table of invariants.
#include "rapport/sim/law.hh"

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

namespace rapport::sim {

namespace {

constexpr std::array<Law, kInvariants> kLaws{{
    {Invariant::BytesInOrder, "bytes-in-order", "RFC 9293 2.2",
     "an application reads the octets that the other end's application wrote, in their order"},
    {Invariant::Agreement, "agreement", "RFC 9293 3.5, 3.5.1",
     "when nothing moves any more, an end that is synchronized has a peer with the mirrored "
     "initial "
     "sequence numbers, unless that one was aborted, gave up or died with its host"},
    {Invariant::OneIncarnation, "one-incarnation", "RFC 9293 3.4.1",
     "text and FIN are accepted only from the life of the peer whose numbers mirror our own"},
    {Invariant::TimerOrDebt, "timer-or-debt", "RFC 9293 3.8, 3.10.8; RFC 6298 5; MUST-40",
     "no state without a timer or a debt, except where all of ours is acknowledged and the next "
     "move is the peer's or the application's; and each timer as long as it has to be"},
    {Invariant::Liveness, "liveness", "RFC 9293 3.8.1, 3.8.3",
     "with fair delivery every connection comes to its end"},
    {Invariant::WithinWindow, "within-window", "RFC 9293 3.8.6, 3.10.7.4 first",
     "nothing is sent or accepted beyond the right edge of the window that was offered"},
    {Invariant::AckOfReceived, "ack-of-received", "RFC 9293 3.4, 3.10.7.4 seventh",
     "an ACK covers only what was received, without a hole"},
    {Invariant::LegalNumbers, "legal-numbers", "RFC 9293 3.3.1, 3.4, 3.10",
     "SEQ, ACK and control bits of every segment are legal for the state that sends it"},
    {Invariant::RstAllowed, "rst-allowed", "RFC 9293 3.5.2, 3.5.3, 3.10.5",
     "a reset answers a segment that is for no connection or for a handshake that it does not fit, "
     "or ends a connection that was aborted; nothing else draws one"},
    {Invariant::TimeWaitLength, "time-wait-length", "RFC 9293 3.6.1, MUST-13; RFC 1337",
     "TIME-WAIT lasts 2MSL from the last FIN, to the tick, and no reset shortens it"},
    {Invariant::MemoryBack, "memory-back", "RFC 9293 3.10.4, 3.10.8",
     "when all is over, every slot, block and frame has been given back"},
    {Invariant::ClockForward, "clock-forward", "RFC 7323 4.1, 5.4",
     "time never goes back: not in the trace of a host, nor in the timestamps of a connection"},
    {Invariant::TwoHalves, "two-halves", "RFC 9293 3.3.2",
     "the state of each end is the one that its two halves, sending and receiving, give"},
    {Invariant::RetransmissionTimer, "retransmission-timer", "RFC 6298 2, 3, 5",
     "the RTO follows from round trips of what was sent once; the timer fires one RTO after what "
     "it waits for, doubled each time, and not when all is acknowledged"},
    {Invariant::CongestionWindow, "congestion-window",
     "RFC 5681 3, 4.1; RFC 6582; RFC 3042; RFC 6928",
     "cwnd and ssthresh grow and shrink by the book; no more than cwnd is in flight, and no less "
     "than it lets go"},
    {Invariant::LossRecovery, "loss-recovery", "RFC 5681 3.2; RFC 6582 3.2; RFC 6298 5.4",
     "text is sent again after the third duplicate ACK, a partial ACK or a time-out, at once, and "
     "for no other reason"},
    {Invariant::AckDuty, "ack-duty", "RFC 9293 3.4, 3.8.6.3, 3.10.7.4; RFC 5681 4.2",
     "what is acceptable is taken, what is not is answered; text beyond a hole, text that fills "
     "one and a FIN are answered at once, other text within the delay"},
    {Invariant::SackTruth, "sack-truth", "RFC 2018 3, 4; RFC 2883 4",
     "SACK blocks tell of what came and is kept, the newest first, and D-SACK of what came twice"},
    {Invariant::GiveUp, "give-up", "RFC 9293 3.8.3, MUST-20 to -23",
     "a connection is given up when its limit has passed without progress, not before and not "
     "after"},
    {Invariant::Probes, "probes", "RFC 9293 3.8.4, 3.8.6.1; MUST-24 to -29, MUST-36",
     "keep-alive and window probes go out at their times, with old numbers, and never unasked"},
    {Invariant::Parting, "parting", "RFC 9293 3.10.4, 3.10.5, 3.6.1",
     "CLOSE and ABORT do what their states ask: FIN behind all text, or a reset that the peer "
     "takes"},
}};

consteval bool in_order() {
  for (size_t i = 0; i < kLaws.size(); ++i) {
    if (kLaws[i].which != static_cast<Invariant>(i)) return false;
  }
  return true;
}

static_assert(in_order());

}  // namespace

std::span<const Law> laws() {
  return std::span(kLaws).first(kAlwaysWatched);
}

std::span<const Law> model_laws() {
  return std::span(kLaws).subspan(kAlwaysWatched);
}

const Law& law(Invariant i) {
  return kLaws[static_cast<size_t>(i)];
}

std::string_view name(Invariant i) {
  return law(i).name;
}

}  // namespace rapport::sim
