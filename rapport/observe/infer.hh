// Inference: in which states the two ends of a connection are, as far as the segments that somebody
// else captured tell (RFC 9293 3.3.2). Each end is two half-machines, what it has sent and what it
// has received: its own flags and acknowledgments prove, what was on its way to it is presumed.
// A capture shows no calls, no timers and no losses behind it, so each answer says whether it is
// sure. Pure: no text is looked at, and nothing is kept of a segment.
#pragma once

#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/tcp/state.hh"

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace rapport::observe {

// What is believed of one end.
struct Belief {
  std::optional<tcp::State> state;  // none: nothing has been seen of it
  bool sure = false;                // the capture determines it

  friend bool operator==(const Belief&, const Belief&) = default;
};

// "ESTABLISHED", "LISTEN?", "unknown"
[[nodiscard]] std::string words(const Belief& b);

// The ends as a segment passes: of its sender after it was sent, of its receiver before it was
// processed.
struct Beliefs {
  Belief sender, receiver;
};

// The two ends are 0 and 1.
class Inference {
 public:
  // The next captured segment; `from` sent it.
  Beliefs see(unsigned from, Instant at, const TraceSegment& s);
  // Of `end` when everything seen so far has been processed.
  [[nodiscard]] Belief belief(unsigned end) const;

  // The connection was seen from its first segment on.
  [[nodiscard]] bool seen_from_the_start() const {
    return !halves_[0].guessed && !halves_[1].guessed;
  }

  // `end` was in TIME-WAIT under the same addresses and ports before this connection.
  void remember_time_wait(unsigned end) { halves_[end].waited = true; }

 private:
  enum class Out : uint8_t { Nothing, SynSent, Open, FinSent, FinAcked };
  enum class In : uint8_t { Nothing, Open, FinReceived };

  struct Half {
    Out out = Out::Nothing;
    In proven = In::Nothing, presumed = In::Nothing;
    Seq iss, next;           // next: behind all that it has sent
    Seq fin;                 // behind its FIN
    Seq expected;            // of its peer, as far as in order
    Instant active{};        // when it sent last
    bool expects = false;    // `expected` means something
    bool passive = false;    // its SYN answered one
    bool guessed = false;    // begun in mid-connection
    bool fin_first = false;  // its FIN left before the peer's had arrived
    bool closed = false;     // by a reset
    bool doubted = false;    // something came to it that may have ended it
    bool crossed = false;    // it had not got what came to it: that may be lost or on its way
    bool waited = false;     // in TIME-WAIT of the connection before this
  };

  void sent(Half& me, Half& peer, const TraceSegment& s);
  static void sent_reset(Half& me, const TraceSegment& s);
  static void sent_syn(Half& me, Half& peer, const TraceSegment& s);
  static void proves(Half& me, const Half& peer, const TraceSegment& s);
  static void comes(Half& me, const Half& peer, const TraceSegment& s);
  static void reset_comes(Half& me, const TraceSegment& s);
  static void syn_comes(Half& me, const TraceSegment& s);
  static void text_comes(Half& me, const Half& peer, const TraceSegment& s);
  [[nodiscard]] static std::optional<tcp::State> state(const Half& h, In in);
  [[nodiscard]] static bool is_guess(const Half& h, In in);
  [[nodiscard]] static Belief after_sending(const Half& h);
  [[nodiscard]] static Belief waiting(const Half& h);

  std::array<Half, 2> halves_;
};

}  // namespace rapport::observe
