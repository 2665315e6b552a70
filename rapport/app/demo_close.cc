// Scenarios about parting: in two halves, in three segments, at once, never, and TIME-WAIT.
#include "rapport/app/demo_scenario.hh"
#include "rapport/app/demo_stage.hh"
#include "rapport/base/time.hh"
#include "rapport/observe/facts.hh"
#include "rapport/observe/names.hh"
#include "rapport/socket/coroutine/opening.hh"
#include "rapport/socket/coroutine/stream.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace rapport::app {

namespace {

using observe::counted;
using observe::Facts;
using observe::length_words;
using enum tcp::State;

Task<> ask_and_close(Stage& s, std::string_view word) {
  auto opening = open_to(s, kClient, Stage::at(kServer, kServerPort));
  auto stream = co_await opening;
  if (!stream) co_return;
  auto writing = write_text(stream, word);
  (void)co_await writing;
  auto pausing = s.host(kClient).sleep(5 * s.way());
  co_await pausing;
  (void)stream.close();
}

// --- half-close ---

constexpr std::array<std::string_view, 3> kLines{"one", "two", "three"};

Task<> answer_in_pieces(Stage& s) {
  coroutine::Listener* listener = s.listen(kServer, kServerPort);
  if (listener == nullptr) co_return;
  auto accepting = accept_one(*listener);
  auto stream = co_await accepting;
  if (!stream) co_return;
  auto reading = read_to_end(stream);
  (void)co_await reading;
  for (const std::string_view line : kLines) {
    auto working = s.host(kServer).sleep(200_ms);
    co_await working;
    auto writing = write_text(stream, line);
    (void)co_await writing;
  }
  (void)stream.close();
}

Task<> ask_and_listen(Stage& s) {
  auto opening = open_to(s, kClient, Stage::at(kServer, kServerPort));
  auto stream = co_await opening;
  if (!stream) co_return;
  auto writing = write_text(stream, "all I have to say");
  (void)co_await writing;
  (void)stream.shutdown();
  auto reading = read_to_end(stream);
  (void)co_await reading;
  (void)stream.close();
}

void play_half_close(Stage& s) {
  s.raise();
  s.host(kServer).spawn(answer_in_pieces(s));
  s.world().settle();  // the listener is there before the first SYN
  s.host(kClient).spawn(ask_and_listen(s));
  s.run();
}

void tell_half_close(const Stage& /*s*/, const Facts& f, Telling& t) {
  const auto stay = f.stay(kClient, FinWait2);
  if (!stay) return tell_detour(t);
  t.say(fmt::format(
      "A FIN closes one direction only. The client had said all that it had to say and spent {} "
      "in FIN-WAIT-2; after its own FIN it still read {} of text.",
      length_words(*stay), counted(f.octets_read(kClient), "octet")));
  t.say(
      "The server in CLOSE-WAIT may send for as long as it likes: no timer hurries it, for the "
      "client's application is still reading.");
}

// --- three-segment-close ---

void play_three_segment_close(Stage& s) {
  s.raise();
  s.host(kServer).spawn(hear_out_and_close(s));
  s.world().settle();  // the listener is there before the first SYN
  s.host(kClient).spawn(ask_and_close(s, "bye"));
  s.run();
}

// One segment took the client from FIN-WAIT-1 through FIN-WAIT-2 to TIME-WAIT.
bool one_segment_was_enough(const Facts& f) {
  const auto acknowledged = f.first(kClient, FinWait2);
  const auto finished = f.first(kClient, TimeWait);
  if (!acknowledged || !finished) return false;
  return std::ranges::none_of(f.segments(), [&](const observe::Heard& h) {
    return h.host == kClient && acknowledged->order < h.order && h.order < finished->order;
  });
}

void tell_three_segment_close(const Stage& /*s*/, const Facts& f, Telling& t) {
  if (!one_segment_was_enough(f)) return tell_detour(t);
  t.say(
      "The server's application called close() as soon as it read the end of file, before its "
      "stack had acknowledged the client's FIN, so one segment carried both, the ACK and the "
      "server's FIN.");
  t.say(
      "It took the client from FIN-WAIT-1 to TIME-WAIT: its ACK (fifth step) led to FIN-WAIT-2, "
      "its FIN (eighth step) led on at once.");
  t.say(
      "With four segments the client waits in FIN-WAIT-2 for as long as the server's application "
      "takes.");
}

// --- simultaneous-close ---

Instant closing_time(const Stage& s) {
  return Instant{} + std::max(1_s, 10 * s.way());
}

Task<> close_on_time(Stage& s, uint32_t me, coroutine::Stream stream) {
  auto waiting = s.host(me).sleep_until(closing_time(s));
  co_await waiting;
  (void)stream.close();
}

Task<> accept_and_close_on_time(Stage& s) {
  coroutine::Listener* listener = s.listen(kServer, kServerPort);
  if (listener == nullptr) co_return;
  auto accepting = accept_one(*listener);
  auto stream = co_await accepting;
  if (!stream) co_return;
  auto closing = close_on_time(s, kServer, std::move(stream));
  co_await closing;
}

Task<> open_and_close_on_time(Stage& s) {
  auto opening = open_to(s, kClient, Stage::at(kServer, kServerPort));
  auto stream = co_await opening;
  if (!stream) co_return;
  auto closing = close_on_time(s, kClient, std::move(stream));
  co_await closing;
}

void play_simultaneous_close(Stage& s) {
  s.raise();
  s.host(kServer).spawn(accept_and_close_on_time(s));
  s.world().settle();  // the listener is there before the first SYN
  s.host(kClient).spawn(open_and_close_on_time(s));
  s.run();
}

void tell_simultaneous_close(const Stage& /*s*/, const Facts& f, Telling& t) {
  if (!f.went(kClient, {FinWait1, Closing, TimeWait})
      || !f.went(kServer, {FinWait1, Closing, TimeWait}))
    return tell_detour(t);
  t.say(
      "Both called close() before the other's FIN had arrived, and the FINs crossed. Each side "
      "went to CLOSING: it has the other's FIN, but not yet the acknowledgment of its own.");
  t.say(
      "Both ended in TIME-WAIT, for both closed first and neither can know whether its last ACK "
      "arrived.");
}

// --- close-wait ---

constexpr Duration kForgotten = 3600_s;

Task<> forget_to_close(Stage& s, bool& over) {
  coroutine::Listener* listener = s.listen(kServer, kServerPort);
  if (listener == nullptr) co_return;
  auto accepting = accept_one(*listener);
  auto stream = co_await accepting;
  if (!stream) co_return;
  auto reading = read_to_end(stream);
  (void)co_await reading;
  auto sleeping = s.host(kServer).sleep(kForgotten);
  co_await sleeping;
  over = true;
  auto waiting = s.host(kServer).sleep(kForgotten);
  co_await waiting;  // for the end of its process
}

void play_close_wait(Stage& s) {
  s.raise();
  bool over = false;
  s.host(kServer).spawn(forget_to_close(s, over));
  s.world().settle();  // the listener is there before the first SYN
  s.host(kClient).spawn(ask_and_close(s, "hello"));
  while (!over && s.world().now() < Instant{} + 2 * kForgotten && s.world().step()) continue;
  if (over) s.end_process(kServer);
  s.run();
}

void tell_close_wait(const Stage& /*s*/, const Facts& f, Telling& t) {
  const auto stay = f.stay(kServer, CloseWait);
  if (!stay || *stay < kForgotten) return tell_detour(t);
  t.say(fmt::format(
      "The server's application read the end of file and did not call close(): the connection "
      "stayed in CLOSE-WAIT for {}, until the process ended, for no timer of TCP ends this state.",
      length_words(*stay)));
  const auto waited = f.stay(kClient, FinWait2);
  if (waited && f.went(kClient, {FinWait2, Closed}) && f.received(kServer, wire::kRst) > 0) {
    t.say(fmt::format(
        "The client did not wait so long: its application had closed for good, so its stack gave "
        "up FIN-WAIT-2 after {}, and the server's late FIN met nobody and drew an RST.",
        length_words(*waited)));
  }
  t.say(
      "Many connections in CLOSE-WAIT always mean the same: a program that does not close what it "
      "has read to the end.");
}

// --- lost-final-ack ---

void play_lost_final_ack(Stage& s) {
  s.raise();
  s.lose_answer(kServer, kClient, wire::kFin);
  s.host(kServer).spawn(hear_out_and_close(s));
  s.world().settle();  // the listener is there before the first SYN
  s.host(kClient).spawn(ask_and_close(s, "bye"));
  s.run();
}

void tell_lost_final_ack(const Stage& /*s*/, const Facts& f, Telling& t) {
  const auto wait = f.stay(kClient, TimeWait);
  if (!wait || f.sent(kServer, wire::kFin) < 2) return tell_detour(t);
  const size_t fins = f.sent(kServer, wire::kFin);
  t.say(fmt::format(
      "The client's last ACK was lost, so the server in LAST-ACK sent its FIN {} in all.",
      fins == 2 ? "twice" : fmt::format("{} times", fins)));
  t.say(fmt::format(
      "The client could answer, because it was in TIME-WAIT, and each FIN that came again started "
      "2MSL anew: TIME-WAIT lasted {} here.",
      length_words(*wait)));
  t.say(
      "Had it forgotten the connection, it would have answered with an RST, and the server would "
      "have taken a clean end for an error: that is one of the two reasons for TIME-WAIT.");
}

// --- time-wait-reuse ---

Task<> serve_and_close_first(Stage& s) {
  coroutine::Listener* listener = s.listen(kServer, kServerPort);
  if (listener == nullptr) co_return;
  for (int i = 0; i < 2; ++i) {
    auto accepting = accept_one(*listener);
    auto stream = co_await accepting;
    if (!stream) co_return;
    auto hearing = read_text(stream);
    (void)co_await hearing;
    auto answering = write_text(stream, "bye");
    (void)co_await answering;
    (void)stream.close();
  }
}

constexpr Duration kAway = 20_s;  // shorter than 2MSL, long enough for the client to reach CLOSED

Task<> come_again(Stage& s) {
  coroutine::ConnectOptions options;
  options.local_port = kClientPort;
  for (int i = 0; i < 2; ++i) {
    auto opening = open_to(s, kClient, Stage::at(kServer, kServerPort), options);
    auto stream = co_await opening;
    if (!stream) co_return;
    auto asking = write_text(stream, "hello");
    (void)co_await asking;
    auto reading = read_to_end(stream);
    (void)co_await reading;
    (void)stream.close();
    auto pausing = s.host(kClient).sleep(kAway);
    co_await pausing;
  }
}

void play_time_wait_reuse(Stage& s) {
  s.raise();
  s.host(kServer).spawn(serve_and_close_first(s));
  s.world().settle();  // the listener is there before the first SYN
  s.host(kClient).spawn(come_again(s));
  s.run();
}

void tell_time_wait_reuse(const Stage& /*s*/, const Facts& f, Telling& t) {
  const auto reused = f.first(kServer, tcp::Event::TupleReused);
  const auto stay = f.stay(kServer, TimeWait);
  if (!reused || !stay) return tell_detour(t);
  t.say(fmt::format(
      "The server closed first and was in TIME-WAIT, when after {} the client came again from the "
      "same address and port.",
      length_words(*stay)));
  t.say(fmt::format(
      "The server let TIME-WAIT go before its {} were over, for this SYN cannot be an old "
      "duplicate: its timestamp is newer than any of the old connection (RFC 6191).",
      length_words(tcp::Config{}.two_msl)));
  t.say("TIME-WAIT guards against old segments, and these the new connection can tell apart.");
}

constexpr std::array kScenarios{
    Scenario{"half-close", "one side has finished, the other goes on sending", play_half_close,
             tell_half_close},
    Scenario{"three-segment-close", "the answer to a FIN is an ACK and a FIN in one",
             play_three_segment_close, tell_three_segment_close},
    Scenario{"simultaneous-close", "both sides close at once: CLOSING", play_simultaneous_close,
             tell_simultaneous_close},
    Scenario{"close-wait", "the application that forgets to close", play_close_wait,
             tell_close_wait},
    Scenario{"lost-final-ack", "the last ACK is lost: what TIME-WAIT is for", play_lost_final_ack,
             tell_lost_final_ack},
    Scenario{"time-wait-reuse", "the same address and port come again before 2MSL are over",
             play_time_wait_reuse, tell_time_wait_reuse},
};

}  // namespace

std::span<const Scenario> close_scenarios() {
  return kScenarios;
}

}  // namespace rapport::app
