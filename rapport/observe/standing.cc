// The sentence: what is so, whose move it is, since what.
#include "rapport/observe/standing.hh"

#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/observe/names.hh"
#include "rapport/observe/watch.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/tcp/state.hh"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace rapport::observe {
namespace {

struct Situation {
  std::string text;
  Mover mover = Mover::Nobody;
};

uint32_t in_flight(const View& v) {
  return v.status == nullptr ? 0 : (v.status->snd_nxt - v.status->snd_una).v;
}

// ESTABLISHED says least by itself: the queues tell.
Situation of_established(const View& v) {
  if (v.status == nullptr) return {"both may send", Mover::Either};
  const tcp::Status& s = *v.status;
  if (s.receive_queue > 0_B) {
    return {fmt::format("{} that came wait to be read", counted(s.receive_queue.v, "octet")),
            Mover::Application};
  }
  if (in_flight(v) > 0) {
    return {fmt::format("{} that we sent are not acknowledged", counted(in_flight(v), "octet")),
            Mover::Peer};
  }
  if (s.send_queue > 0_B && s.snd_wnd == 0_B) {
    return {
        fmt::format("{} wait for the peer to open its window", counted(s.send_queue.v, "octet")),
        Mover::Peer};
  }
  if (s.send_queue > 0_B) {
    return {fmt::format("{} wait to be sent", counted(s.send_queue.v, "octet")), Mover::Stack};
  }
  return {"both may send, nothing is under way", Mover::Either};
}

// `what` and the text that is still in front of our FIN.
Situation with_text_first(const View& v, std::string_view what) {
  const uint32_t queued = v.status == nullptr ? 0 : v.status->send_queue.v;
  if (queued == 0) return {fmt::format("{}; our FIN is not acknowledged", what), Mover::Peer};
  return {fmt::format("{}; {} and our FIN are not acknowledged", what, counted(queued, "octet")),
          Mover::Peer};
}

Situation of_close_wait(const View& v) {
  std::string text = "the peer has closed, the application has not";
  if (v.status != nullptr && v.status->receive_queue > 0_B) {
    text += fmt::format(" and has {} to read", counted(v.status->receive_queue.v, "octet"));
  }
  if (in_flight(v) > 0) {
    text += fmt::format("; {} are on their way", counted(in_flight(v), "octet"));
  }
  return {std::move(text), Mover::Application};
}

Situation situation_of(const View& v) {
  using enum tcp::State;
  switch (v.state) {
    case Closed: return {"there is no connection", Mover::Nobody};
    case Listen: return {"it waits for a SYN", Mover::Peer};
    case SynSent: return {"our SYN is not answered", Mover::Peer};
    case SynReceived: return {"our SYN,ACK is not acknowledged", Mover::Peer};
    case Established: return of_established(v);
    case FinWait1: return with_text_first(v, "we have closed");
    case FinWait2: return {"the peer has acknowledged our FIN and has not closed yet", Mover::Peer};
    case CloseWait: return of_close_wait(v);
    case Closing: return {"both have closed at once; our FIN is not acknowledged", Mover::Peer};
    case LastAck: return with_text_first(v, "the peer has closed, then we have");
    case TimeWait: return {"both have closed; late segments die out", Mover::Timer};
  }
  return {};
}

std::string move_words(const View& v, Mover m) {
  switch (m) {
    case Mover::Peer: return "the peer's move";
    case Mover::Application: return "the application's move";
    case Mover::Stack: return "the stack's move";
    case Mover::Either: return "either side's move";
    case Mover::Nobody: return "nobody's move";
    case Mover::Timer: break;
  }
  const Duration left = std::max(v.two_msl - age_of(v), Duration{});
  return fmt::format("the 2MSL timer's move, in {}", length_words(left));
}

std::string segment_words(const TraceSegment& s) {
  std::string out = flag_words(s.flags);
  if (s.relative_known != 0) out += fmt::format(" seq {}", s.relative_seq);
  if (s.text_length > 0) out += " with " + counted(s.text_length, "octet");
  return out + " arrived";
}

std::string cause_words(const Watched& w) {
  if (w.segment) return segment_words(*w.segment);
  if (w.call) return std::string(words(*w.call)) + " was called";
  return std::string(tcp::name(w.event));
}

// The answer to a probe of a closed window is no acknowledgement of anything (RFC 9293 3.8.6.1).
std::string again_words(const tcp::Status& s) {
  if (s.retransmissions == 0) return {};
  const std::string times = counted(s.retransmissions, "time");
  if (s.timer == TimerKind::Persist) return fmt::format("; its window was probed {}", times);
  return fmt::format("; sent again {} in a row without an answer", times);
}

}  // namespace

std::string_view name(Mover m) {
  static constexpr std::array<std::string_view, 6> kAll{"peer",  "application", "stack",
                                                        "timer", "either",      "nobody"};
  return kAll[static_cast<size_t>(m)];
}

Mover mover_of(const View& view) {
  return situation_of(view).mover;
}

Duration age_of(const View& view) {
  return view.watched == nullptr ? Duration{} : view.now - view.watched->since;
}

std::string sentence(const View& view) {
  const Situation s = situation_of(view);
  std::string out = fmt::format("{}: {}", s.text, move_words(view, s.mover));
  if (view.watched == nullptr) return out;
  const Watched& w = *view.watched;
  out += fmt::format("; {} since {} {} ago ({})", tcp::name(view.state), cause_words(w),
                     length_words(age_of(view)), w.clause);
  if (view.status != nullptr) out += again_words(*view.status);
  return out;
}

}  // namespace rapport::observe
