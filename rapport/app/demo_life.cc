// The scenario `life`: a connection from its first SYN to the end of TIME-WAIT.
#include "rapport/app/demo_scenario.hh"
#include "rapport/app/demo_stage.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/observe/explain.hh"
#include "rapport/observe/facts.hh"
#include "rapport/observe/names.hh"
#include "rapport/observe/story.hh"
#include "rapport/sim/world.hh"
#include "rapport/socket/coroutine/opening.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/tcp.hh"

#include <array>
#include <optional>
#include <span>

#include <fmt/format.h>

namespace rapport::app {

namespace {

using observe::Facts;
using observe::Heard;
using observe::length_words;
using enum tcp::State;

constexpr Duration kThinking = 50_ms;   // the server's application works on its answer
constexpr Duration kTidyingUp = 30_ms;  // and on its end of the story

Task<> serve(Stage& s) {
  coroutine::Listener* listener = s.listen(kServer, kServerPort);
  if (listener == nullptr) co_return;
  auto accepting = accept_one(*listener);
  auto stream = co_await accepting;
  if (!stream) co_return;
  auto hearing = read_text(stream);
  (void)co_await hearing;
  auto thinking = s.host(kServer).sleep(kThinking);
  co_await thinking;
  auto answering = write_text(stream, "Hello, world!");
  (void)co_await answering;
  auto reading = read_to_end(stream);
  (void)co_await reading;
  auto tidying = s.host(kServer).sleep(kTidyingUp);
  co_await tidying;
  (void)stream.close();
}

Task<> ask(Stage& s) {
  auto opening = open_to(s, kClient, Stage::at(kServer, kServerPort));
  auto stream = co_await opening;
  if (!stream) co_return;
  auto asking = write_text(stream, "GET /hello");
  (void)co_await asking;
  auto hearing = read_text(stream);
  (void)co_await hearing;
  (void)stream.close();
}

void play(Stage& s) {
  s.raise(sim::Settling::FramesFirst);
  s.host(kServer).spawn(serve(s));
  s.world().settle();  // the listener is there before the first SYN
  s.host(kClient).spawn(ask(s));
  s.run();
}

// The server's answer to the client's FIN, and its own: when each left after that FIN arrived.
struct Middle {
  Duration ack, fin;
};

std::optional<Middle> middle_of_close(const Facts& f) {
  const auto fin_arrived = f.first(kServer, CloseWait);
  if (!fin_arrived) return std::nullopt;
  std::optional<Duration> ack;
  for (const Heard& s : f.segments()) {
    if (s.host != kServer || !s.sent() || s.order < fin_arrived->order) continue;
    const Duration after = s.at - fin_arrived->at;
    if (!s.has(wire::kFin)) {
      if (!ack && s.has(wire::kAck)) ack = after;
    } else if (ack && s.cause() == SendCause::Call) {
      return Middle{*ack, after};
    } else {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

void tell(const Stage& s, const Facts& f, Telling& t) {
  const observe::Story story = s.story();
  t.table("What each segment of the handshake proves, once it has arrived",
          observe::explain_handshake(story, kClient, kServer));
  if (f.sent(kClient, wire::kFin) + f.sent(kServer, wire::kFin) > 0) {
    t.table("Who caused each segment of the close",
            observe::explain_close(story, kClient, kServer));
  }
  if (const auto m = middle_of_close(f)) {
    t.say(fmt::format(
        "The middle two segments of the close stay apart because they have different causes: the "
        "server's stack acknowledged the client's FIN by itself, {}, but only the server's "
        "application can know that it has nothing left to say, and it called close() {} later.",
        m->ack == 0_ns ? "as soon as it arrived" : length_words(m->ack) + " after it arrived",
        length_words(m->fin)));
  }
  if (const auto wait = f.stay(kClient, TimeWait)) {
    const bool anew = *wait > tcp::Config{}.two_msl;
    t.say(fmt::format(
        "The client closed first, so it stayed in TIME-WAIT for {} ({}): to acknowledge the "
        "server's FIN again if its last ACK is lost, and until old segments of this connection "
        "have died out.",
        length_words(*wait), anew ? "2MSL from the last FIN that reached it" : "2MSL"));
  }
  if (t.sentences().empty()) tell_detour(t);
}

constexpr std::array kScenarios{
    Scenario{"life", "a whole life: handshake, request and answer, close in four segments, 2MSL",
             play, tell},
};

}  // namespace

std::span<const Scenario> life_scenarios() {
  return kScenarios;
}

}  // namespace rapport::app
