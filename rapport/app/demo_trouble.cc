// Scenarios about trouble: crashes, resets, forgeries, a reader that does not read, a dead wire.
#include "rapport/app/demo_scenario.hh"
#include "rapport/app/demo_stage.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/observe/facts.hh"
#include "rapport/observe/names.hh"
#include "rapport/sim/craft.hh"
#include "rapport/socket/coroutine/opening.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace rapport::app {

namespace {

using observe::counted;
using observe::Facts;
using observe::length_words;
using enum tcp::State;

// Opens, says a word, and stays open until the connection is gone.
Task<> open_and_stay(Stage& s, coroutine::ConnectOptions options, std::string_view word) {
  auto opening = open_to(s, kClient, Stage::at(kServer, kServerPort), options);
  auto stream = co_await opening;
  if (!stream) co_return;
  if (!word.empty()) {
    auto writing = write_text(stream, word);
    (void)co_await writing;
  }
  auto closing = wait_until_closed(stream);
  co_await closing;
}

// Accepts so many connections, one after the other; reads each to its end and closes it.
Task<> serve_many(Stage& s, int connections) {
  coroutine::Listener* listener = s.listen(kServer, kServerPort);
  if (listener == nullptr) co_return;
  for (int i = 0; i < connections; ++i) {
    auto accepting = accept_one(*listener);
    auto stream = co_await accepting;
    if (!stream) co_return;
    auto reading = read_to_end(stream);
    (void)co_await reading;
    (void)stream.close();
  }
}

Instant settled_time(const Stage& s) {
  return Instant{} + std::max(1_s, 10 * s.way());
}

// --- half-open ---

coroutine::ConnectOptions from_client_port() {
  coroutine::ConnectOptions options;
  options.local_port = kClientPort;
  return options;
}

Task<> open_again_and_close(Stage& s) {
  auto opening = open_to(s, kClient, Stage::at(kServer, kServerPort), from_client_port());
  auto stream = co_await opening;
  if (!stream) co_return;
  auto writing = write_text(stream, "hello again");
  (void)co_await writing;
  (void)stream.close();
}

void play_half_open(Stage& s) {
  s.raise();
  s.host(kServer).spawn(serve_many(s, 2));
  s.world().settle();  // the listener is there before the first SYN
  s.host(kClient).spawn(open_and_stay(s, from_client_port(), "hello"));
  s.world().run_until(settled_time(s));
  s.power_cycle(kClient, 2_s);
  s.host(kClient).spawn(open_again_and_close(s));
  s.run();
}

void tell_half_open(const Stage& /*s*/, const Facts& f, Telling& t) {
  const auto reset = f.first(kServer, tcp::Event::RstArrived);
  if (!reset || reset->from == SynReceived || f.dropped(kClient, DropReason::SynSentBadAck) == 0)
    return tell_detour(t);
  const bool challenged = f.dropped(kServer, DropReason::SynChallenged) > 0;
  t.say(fmt::format(
      "The client lost power and forgot the connection, and the server in {} could not know; when "
      "the client's new SYN came, it did not believe it, since anyone can forge a SYN, but "
      "answered with an ACK of what it expects{}.",
      tcp::name(reset->from), challenged ? " (a challenge, RFC 5961)" : ""));
  t.say(
      "To the client that ACK made no sense, so it answered with an RST, whose number is taken "
      "from the ACK and therefore exactly the one that the server accepts.");
  const auto opened = f.last(kServer, Established);
  if (opened && opened->order > reset->order) {
    t.say(
        "Now the server knew, and the next try of the client's SYN opened the new connection, "
        "from the same port.");
  }
}

// --- reset ---

Task<> open_and_abort(Stage& s) {
  auto opening = open_to(s, kClient, Stage::at(kServer, kServerPort));
  auto stream = co_await opening;
  if (!stream) co_return;
  auto writing = write_text(stream, "hello");
  (void)co_await writing;
  auto pausing = s.host(kClient).sleep(5 * s.way());
  co_await pausing;
  (void)stream.abort();
}

void play_reset(Stage& s) {
  s.raise();
  s.host(kServer).spawn(serve_many(s, 1));
  s.world().settle();  // the listener is there before the first SYN
  s.host(kClient).spawn(open_and_abort(s));
  s.run();
}

void tell_reset(const Stage& /*s*/, const Facts& f, Telling& t) {
  const auto aborted = f.first(kClient, tcp::Event::AbortCalled);
  const auto reset = f.first(kServer, tcp::Event::RstArrived);
  if (!aborted || !reset || reset->from == SynReceived) return tell_detour(t);
  t.say(
      "abort() throws away what is queued and sends an RST at once, which nobody acknowledges: "
      "the server's application reads \"connection reset\" instead of an end of file, so that it "
      "can tell an accident from an end.");
  t.say(
      "The server believed the RST because it carried exactly the sequence number that it "
      "expected next.");
  t.say("Both sides went to CLOSED, and neither keeps TIME-WAIT.");
}

// --- challenge-ack ---

// What a forger needs to know of the server's connection, if it has one.
std::optional<tcp::Status> server_side(Stage& s) {
  std::vector<Handle> all;
  stack::Stack& stack = s.world().stack(kServer);
  stack.connections(all);
  for (const Handle h : all) {
    const auto status = stack.command(tcp::GetStatus{h}, s.world().now());
    if (status && status->state == Established) return *status;
  }
  return std::nullopt;
}

// Puts a segment on the wire that claims to be the client's, `ahead` of what the server expects.
void forge(Stage& s, wire::Flags flags, ByteCount ahead) {
  const auto server = server_side(s);
  if (!server) return;
  wire::SegmentHead head;
  head.seq = server->rcv_nxt + ahead;
  head.flags = flags;
  const std::vector<uint8_t> packet = sim::craft_segment(server->remote, server->local, head);
  s.world().inject(kClient, kServer, packet, s.world().now() + s.way());
}

Task<> talk_twice(Stage& s) {
  auto opening = open_to(s, kClient, Stage::at(kServer, kServerPort));
  auto stream = co_await opening;
  if (!stream) co_return;
  auto writing = write_text(stream, "hello");
  (void)co_await writing;
  auto pausing = s.host(kClient).sleep_until(settled_time(s) + 2_s + 10 * s.way());
  co_await pausing;
  auto again = write_text(stream, "still here");
  (void)co_await again;
  (void)stream.close();
}

void play_challenge_ack(Stage& s) {
  // A forger does not know the timestamps either; without them only the numbers protect.
  s.config(kServer).tcp.offer_timestamps = false;
  s.raise();
  s.host(kServer).spawn(serve_many(s, 1));
  s.world().settle();  // the listener is there before the first SYN
  s.host(kClient).spawn(talk_twice(s));
  s.world().run_until(settled_time(s));
  forge(s, wire::kRst, 1000_B);
  s.world().run_for(1_s + 3 * s.way());
  forge(s, wire::kSyn, 0_B);
  s.run();
}

void tell_challenge_ack(const Stage& /*s*/, const Facts& f, Telling& t) {
  const size_t rst = f.dropped(kServer, DropReason::RstChallenged);
  const size_t syn = f.dropped(kServer, DropReason::SynChallenged);
  if (rst + syn == 0) return tell_detour(t);
  std::string what = rst > 0 ? "an RST inside the window, but not at its left edge" : "";
  if (syn > 0) what += std::string(what.empty() ? "" : ", and ") + "a SYN";
  t.say(fmt::format(
      "Somebody who guessed addresses and ports sent {}; the old rules would have ended the "
      "connection, but RFC 5961 answers with a challenge: an ACK of what is expected.",
      what));
  t.say(
      "The real client ignores that ACK, and had it forgotten the connection, it would answer "
      "with an RST at exactly the right number; a forger never sees the challenge, so has to "
      "guess one number out of four thousand million.");
  if (f.went(kServer, {Established, CloseWait}))
    t.say("The connection survived and ended as its applications wanted.");
}

// --- zero-window ---

constexpr Duration kNotReading = 5_s;
constexpr size_t kLetter = 8000;

Task<> read_late(Stage& s) {
  coroutine::ListenOptions options;
  options.options.emplace();
  options.options->receive_buffer = 4_KiB;
  coroutine::Listener* listener = s.listen(kServer, kServerPort, options);
  if (listener == nullptr) co_return;
  auto accepting = accept_one(*listener);
  auto stream = co_await accepting;
  if (!stream) co_return;
  auto sleeping = s.host(kServer).sleep(kNotReading);
  co_await sleeping;
  auto reading = read_to_end(stream);
  (void)co_await reading;
  (void)stream.close();
}

Task<> write_letter(Stage& s) {
  const std::string letter(kLetter, '.');
  auto opening = open_to(s, kClient, Stage::at(kServer, kServerPort));
  auto stream = co_await opening;
  if (!stream) co_return;
  auto writing = write_text(stream, letter);
  (void)co_await writing;
  (void)stream.close();
}

void play_zero_window(Stage& s) {
  s.raise();
  s.host(kServer).spawn(read_late(s));
  s.world().settle();  // the listener is there before the first SYN
  s.host(kClient).spawn(write_letter(s));
  s.run();
}

// "4 times, each time after a longer wait"
std::string asking_words(const std::vector<TraceTimer>& probes) {
  const bool longer =
      std::ranges::is_sorted(probes, std::ranges::less_equal{}, &TraceTimer::interval_ms);
  if (probes.size() == 1) return "once";
  return fmt::format("{} times{}", probes.size(), longer ? ", each time after a longer wait" : "");
}

void tell_zero_window(const Stage& /*s*/, const Facts& f, Telling& t) {
  const std::vector<TraceTimer> probes = f.timers(kClient, TimerKind::Persist);
  if (probes.empty()) return tell_detour(t);
  t.say(fmt::format(
      "The server's application did not read for {}, so its buffer filled and its window closed; "
      "the client may not send then, but it asked whether the window was still closed: {}.",
      length_words(kNotReading), asking_words(probes)));
  t.say(
      "It has to ask: the segment that opens the window again is a bare ACK, which nobody "
      "acknowledges or repeats, and if it were lost and nobody asked, both sides would wait for "
      "ever.");
  t.say("It never gives up as long as answers come: a full reader is not a dead one.");
}

// --- keep-alive ---

constexpr uint8_t kProbes = 3;
constexpr Duration kCutAfter = 10'000_s;  // between the first and the second silence of two hours

void play_keep_alive(Stage& s) {
  s.raise();
  coroutine::ConnectOptions options;
  options.options.emplace();
  options.options->keep_alive = true;
  options.options->keep_alive_probes = kProbes;
  s.host(kServer).spawn(serve_many(s, 1));
  s.world().settle();  // the listener is there before the first SYN
  s.host(kClient).spawn(open_and_stay(s, options, "hello"));
  s.world().run_until(Instant{} + kCutAfter);
  s.remark(kServer, "the wire is cut");
  s.world().partition(kClient, kServer, true);
  s.run();
}

void tell_keep_alive(const Stage& /*s*/, const Facts& f, Telling& t) {
  const auto ends = f.ends(kClient);
  const auto gave_up = f.first(kClient, tcp::Event::GaveUp);
  if (!gave_up || std::ranges::find(ends, CloseReason::KeepAliveTimedOut) == ends.end())
    return tell_detour(t);
  const bool cut = gave_up->at > Instant{} + kCutAfter;
  const bool server_is_open = f.last(kServer, Established) && !f.last(kServer, Closed);
  t.say(
      "After two hours of silence the client's stack asked: an empty segment with a sequence "
      "number that the server has already acknowledged, so that it has to answer.");
  t.say(fmt::format(
      "{}, and {} without an answer ended the connection{}.",
      cut ? "Later the wire was cut" : "The wire was not even cut yet, but lost too much",
      counted(kProbes, "probe"),
      server_is_open
          ? "; the server did not ask, so it is still ESTABLISHED, with a peer that is gone"
          : ""));
  t.say(
      "Without keep-alive, which is off unless an application asks for it, an idle connection "
      "needs no segments and notices nothing.");
}

constexpr std::array kScenarios{
    Scenario{"half-open", "one side loses power and comes back; the other knows nothing of it",
             play_half_open, tell_half_open},
    Scenario{"reset", "an application aborts: RST", play_reset, tell_reset},
    Scenario{"challenge-ack", "forged segments, and why they do no harm", play_challenge_ack,
             tell_challenge_ack},
    Scenario{"zero-window", "a reader that does not read, and a writer that keeps asking",
             play_zero_window, tell_zero_window},
    Scenario{"keep-alive", "hours of silence, a probe, a cut wire", play_keep_alive,
             tell_keep_alive},
};

}  // namespace

std::span<const Scenario> trouble_scenarios() {
  return kScenarios;
}

}  // namespace rapport::app
