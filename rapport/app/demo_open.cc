// Scenarios about opening: what is negotiated, who may open, and what the third segment is for.
#include "rapport/app/demo_scenario.hh"
#include "rapport/app/demo_stage.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/observe/facts.hh"
#include "rapport/observe/names.hh"
#include "rapport/observe/story.hh"
#include "rapport/socket/coroutine/opening.hh"
#include "rapport/socket/coroutine/timeout.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include <fmt/format.h>

namespace rapport::app {

namespace {

using observe::Facts;
using observe::length_words;
using enum tcp::State;

// Opens, says a word if there is one, closes.
Task<> greet(Stage& s, uint32_t to, std::string_view word) {
  auto opening = open_to(s, kClient, Stage::at(to, kServerPort));
  auto stream = co_await opening;
  if (!stream) co_return;
  if (!word.empty()) {
    auto writing = write_text(stream, word);
    (void)co_await writing;
  }
  (void)stream.close();
}

// --- negotiation ---

constexpr uint32_t kOld = 2;
constexpr uint32_t kFiltered = 3;
constexpr uint64_t kWindowScale = uint64_t{1} << 3;  // the option's kind, as Link strips it

Task<> serve_on(Stage& s, uint32_t host, coroutine::ListenOptions options) {
  coroutine::Listener* listener = s.listen(host, kServerPort, options);
  if (listener == nullptr) co_return;
  auto accepting = accept_one(*listener);
  auto stream = co_await accepting;
  if (!stream) co_return;
  auto reading = read_to_end(stream);
  (void)co_await reading;
  (void)stream.close();
}

Task<> visit_both(Stage& s) {
  auto first = greet(s, kServer, "");
  co_await first;
  auto second = greet(s, kOld, "");
  co_await second;
  auto third = greet(s, kFiltered, "");
  co_await third;
}

void put_box(sim::Link& link) {
  sim::LinkConfig config = link.config();
  config.strip = kWindowScale;
  link.configure(config);
}

void play_negotiation(Stage& s) {
  s.add_host("old host");
  s.add_host("filtered host");
  s.ladders = {{kClient, kServer}, {kClient, kOld}, {kClient, kFiltered}};
  s.config(kOld).tcp.offer_window_scale = false;
  s.config(kOld).tcp.offer_sack = false;
  s.config(kOld).tcp.offer_timestamps = false;
  s.raise();
  put_box(s.world().link(kClient, kFiltered));
  put_box(s.world().link(kFiltered, kClient));
  coroutine::ListenOptions large;
  large.options.emplace();
  large.options->mss_clamp = 1200;
  large.options->receive_buffer = 2048_KiB;
  s.host(kServer).spawn(serve_on(s, kServer, large));
  s.host(kOld).spawn(serve_on(s, kOld, {}));
  s.host(kFiltered).spawn(serve_on(s, kFiltered, {}));
  s.host(kClient).spawn(visit_both(s));
  s.run();
}

std::string yes(bool b) {
  return b ? "yes" : "no";
}

std::string shift(uint8_t s) {
  return s == 0xff ? "no" : fmt::format("{}", s);
}

void tell_negotiation(const Stage& s, const Facts& /*f*/, Telling& t) {
  const observe::Story story = s.story();
  size_t agreed = 0;
  for (const HostRecord& r : story.records) {
    if (r.host != kClient || r.record.header.kind != TraceKind::Options) continue;
    const auto o = r.record.as<TraceOptions>();
    uint32_t peer = kServer;
    while (Stage::at(peer, 0).address != r.record.header.key.remote) ++peer;
    ++agreed;
    const auto row = [](std::string_view what, const std::string& ours, const std::string& theirs,
                        const std::string& result) {
      return fmt::format("  {:<16} {:>8} {:>8}   {}", what, ours, theirs, result);
    };
    t.table(
        fmt::format("What the client sent, what came from the {}, and what holds", s.name(peer)),
        {row("MSS", fmt::format("{}", o.mss_sent), fmt::format("{}", o.mss_received),
             fmt::format("the client sends at most {} octets of text a segment", o.effective_mss)),
         row("window scale", shift(o.window_scale_sent), shift(o.window_scale_received),
             o.scaling_on != 0 ? "each shifts its own windows by its own count" : "off"),
         row("SACK permitted", yes(o.sack_sent != 0), yes(o.sack_received != 0),
             o.sack_on != 0 ? "on" : "off"),
         row("timestamps", yes(o.timestamps_sent != 0), yes(o.timestamps_received != 0),
             o.timestamps_on != 0 ? "on" : "off")});
  }
  if (agreed < 3) return tell_detour(t);
  t.say(
      "The MSS is announced, not negotiated: each side says what it can take, and each direction "
      "may have another value.");
  t.say(
      "Everything else holds only if both SYNs carry it: the old host answered without any "
      "of them, so the client uses none there, although it had offered all three.");
  t.say(
      "Before the filtered host a box stripped window scale from the SYN; there was nothing to "
      "answer, "
      "so neither end shifts its windows: that is why an option is agreed before it is used.");
}

// --- simultaneous-open ---

constexpr uint16_t kMeetingPort = 5000;

Task<> meet(Stage& s, uint32_t me, bool closes_first) {
  coroutine::ConnectOptions options;
  options.local_port = kMeetingPort;
  auto opening = open_to(s, me, Stage::at(1 - me, kMeetingPort), options);
  auto stream = co_await opening;
  if (!stream) co_return;
  if (closes_first) {
    auto pausing = s.host(me).sleep(10 * s.way());
    co_await pausing;
  } else {
    auto reading = read_to_end(stream);
    (void)co_await reading;
  }
  (void)stream.close();
}

void play_simultaneous_open(Stage& s) {
  s.rename(0, "left");
  s.rename(1, "right");
  s.raise();
  s.host(0).spawn(meet(s, 0, true));
  s.host(1).spawn(meet(s, 1, false));
  s.run();
}

void tell_simultaneous_open(const Stage& /*s*/, const Facts& f, Telling& t) {
  const auto both = [&](std::initializer_list<tcp::State> path) {
    return f.went(0, path) && f.went(1, path);
  };
  if (!both({SynSent, SynReceived, Established})) return tell_detour(t);
  t.say(
      "Both sides called connect() at the same moment, and nobody listened. Each went from "
      "SYN-SENT to SYN-RECEIVED when the other's SYN came instead of a SYN,ACK, and to "
      "ESTABLISHED when its own SYN was acknowledged.");
  t.say(
      "One connection came of it, not two: a connection is named by both addresses and both "
      "ports, and both SYNs name the same one.");
}

// --- lost-syn ---

void play_lost_syn(Stage& s) {
  s.raise();
  s.world().link(kClient, kServer).lose(1);
  s.host(kServer).spawn(hear_out_and_close(s));
  s.world().settle();  // the listener is there before the first SYN
  s.host(kClient).spawn(greet(s, kServer, "hello"));
  s.run();
}

void tell_lost_syn(const Stage& /*s*/, const Facts& f, Telling& t) {
  const size_t fired = f.fired(kClient, TimerKind::SynRetransmission);
  const auto stay = f.stay(kClient, SynSent);
  if (fired == 0 || !stay || !f.went(kClient, {SynSent, Established})) return tell_detour(t);
  t.say(fmt::format(
      "The first SYN was lost, and nothing told the client so but silence: its SYN retransmission "
      "timer fired {}, and the connection opened {} after the call.",
      fired == 1 ? "once" : fmt::format("{} times", fired), length_words(*stay)));
  t.say(
      "The first wait is 1 s, since no round trip has been measured yet, and doubles with each "
      "try; TCP goes on for at least three minutes before it gives up.");
  t.say(
      "Every try carries the same sequence number, so that it does not matter which one arrives.");
}

// --- lost-ack-of-handshake ---

Task<> greet_late(Stage& s) {
  auto opening = open_to(s, kClient, Stage::at(kServer, kServerPort));
  auto stream = co_await opening;
  if (!stream) co_return;
  auto pausing = s.host(kClient).sleep(3_s);
  co_await pausing;
  auto writing = write_text(stream, "hello");
  (void)co_await writing;
  (void)stream.close();
}

void play_lost_ack(Stage& s) {
  s.raise();
  s.lose_answer(kServer, kClient, wire::kSyn | wire::kAck);
  s.host(kServer).spawn(hear_out_and_close(s));
  s.world().settle();  // the listener is there before the first SYN
  s.host(kClient).spawn(greet_late(s));
  s.run();
}

// The server opened before the client sent any text: a repeated SYN,ACK drew the missing ACK.
bool a_repeated_syn_ack_helped(const Facts& f, const observe::Move& server) {
  const auto text = std::ranges::find_if(f.segments(), [](const observe::Heard& h) {
    return h.host == kClient && h.sent() && h.segment.text_length > 0;
  });
  return f.dropped(kClient, DropReason::SynChallenged) > 0
         && (text == f.segments().end() || server.at < text->at);
}

void tell_lost_ack(const Stage& /*s*/, const Facts& f, Telling& t) {
  const auto client = f.first(kClient, Established);
  const auto server = f.first(kServer, Established);
  if (!client || !server || server->at <= client->at) return tell_detour(t);
  t.say(fmt::format(
      "The client was ESTABLISHED {} before the server: with the SYN,ACK it knew all that there "
      "is to know, but its own ACK was lost, and the server could not know that its SYN,ACK had "
      "arrived.",
      length_words(server->at - client->at)));
  if (a_repeated_syn_ack_helped(f, *server)) {
    t.say(
        "So the server sent its SYN,ACK again. To the client that is a SYN in a connection that "
        "is open: it answers with an ACK of what it expects, and just that ACK was missing.");
  } else {
    t.say(
        "A later segment of the client carried the same acknowledgment and made up for it: every "
        "segment but the first has one.");
  }
}

// --- old-duplicate-syn ---

constexpr Duration kOldDelay = 3_s;

Task<> connect_twice(Stage& s) {
  coroutine::Host& host = s.host(kClient);
  coroutine::ConnectOptions options;
  options.local_port = kClientPort;
  const Endpoint server = Stage::at(kServer, kServerPort);
  {
    auto trying = coroutine::with_timeout(host, 500_ms, host.connect(server, options));
    const auto tried = co_await trying;
    if (tried) co_return;  // the first SYN was not late after all
  }
  // The new SYN leaves just before the old one arrives, and is slow as well.
  auto waiting = host.sleep_until(Instant{} + kOldDelay + s.settings().delay - s.way() / 2);
  co_await waiting;
  sim::Link& link = s.world().link(kClient, kServer);
  link.hold(link.frames() + 1, 4 * s.way());
  auto opening = open_to(s, kClient, server, options);
  auto stream = co_await opening;
  if (!stream) co_return;
  auto writing = write_text(stream, "hello");
  (void)co_await writing;
  (void)stream.close();
}

void play_old_duplicate_syn(Stage& s) {
  s.raise();
  s.world().link(kClient, kServer).hold(1, kOldDelay);
  s.host(kServer).spawn(hear_out_and_close(s));
  s.world().settle();  // the listener is there before the first SYN
  s.host(kClient).spawn(connect_twice(s));
  s.run();
}

void tell_old_duplicate_syn(const Stage& /*s*/, const Facts& f, Telling& t) {
  if (f.dropped(kClient, DropReason::SynSentBadAck) == 0 || !f.went(kServer, {SynReceived, Listen}))
    return tell_detour(t);
  t.say(
      "The server could not see that the SYN was old and answered it, but the client could: the "
      "SYN,ACK acknowledged a number that it had not sent in this attempt.");
  t.say(
      "So the client answered with an RST, and the server's half-open connection went away "
      "without its application ever hearing of it.");
  if (f.went(kServer, {SynReceived, Established})) {
    t.say(
        "The real SYN then opened the connection; with a handshake of two segments, the server "
        "would have been in a connection that nobody wanted.");
  }
}

// --- refused ---

void play_refused(Stage& s) {
  s.raise();
  s.host(kClient).spawn(greet(s, kServer, ""));
  s.run();
}

void tell_refused(const Stage& /*s*/, const Facts& f, Telling& t) {
  const auto refused = f.first(kClient, tcp::Event::RstArrived);
  if (!refused || refused->from != SynSent) return tell_detour(t);
  t.say(
      "Nobody listens on that port, so the server's stack answers the SYN with an RST by itself. "
      "The SYN carries no acknowledgment from which the RST could take its sequence number: it is "
      "0, and the ACK of the SYN shows the client that the RST is meant for it.");
  t.say(
      "The client's connect() fails as soon as the RST arrives, with \"connection refused\", and "
      "nothing stays behind on either side: no TIME-WAIT after an RST.");
}

constexpr std::array kScenarios{
    Scenario{"negotiation",
             "options offered, stripped and agreed: a modern peer, an old one, a box on the way",
             play_negotiation, tell_negotiation},
    Scenario{"simultaneous-open",
             "both sides call connect() at once, and it becomes one connection",
             play_simultaneous_open, tell_simultaneous_open},
    Scenario{"lost-syn", "the first segment is lost: only a timer can notice", play_lost_syn,
             tell_lost_syn},
    Scenario{"lost-ack-of-handshake",
             "the third segment is lost: one side is open before the other", play_lost_ack,
             tell_lost_ack},
    Scenario{"old-duplicate-syn",
             "a SYN of an earlier attempt arrives late: what the third segment is for",
             play_old_duplicate_syn, tell_old_duplicate_syn},
    Scenario{"refused", "nobody listens: the answer to a SYN is an RST", play_refused,
             tell_refused},
};

}  // namespace

std::span<const Scenario> open_scenarios() {
  return kScenarios;
}

}  // namespace rapport::app
