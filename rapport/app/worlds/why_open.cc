// Why questions about opening: how many segments it takes, and what each of them saves.
#include "rapport/app/demo_stage.hh"
#include "rapport/app/worlds/why_question.hh"
#include "rapport/app/worlds/why_setting.hh"
#include "rapport/base/time.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/observe/facts.hh"
#include "rapport/observe/names.hh"
#include "rapport/observe/story.hh"
#include "rapport/sim/world.hh"
#include "rapport/tcp/rules.hh"
#include "rapport/tcp/state.hh"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include <fmt/format.h>

namespace rapport::app {

namespace {

using observe::Facts;
using observe::length_words;
using enum tcp::State;

// --- four-way-handshake ---

// The n-th frame of one direction, counted from 1.
struct LostFrame {
  uint32_t from, to;
  uint64_t nth;
};

struct Opening {
  uint64_t segments = 0, octets = 0;  // until both ends were ESTABLISHED
  Instant heard = kNever;             // the server's application has read the client's first text
  Run run;
};

constexpr Duration kLongestOpening = 600_s;

Task<> hear(Stage& s, Instant& heard) {
  coroutine::Listener* listener = s.listen(kServer, kServerPort);
  if (listener == nullptr) co_return;
  auto accepting = accept_one(*listener);
  auto stream = co_await accepting;
  if (!stream) co_return;
  auto reading = read_text(stream);
  const bool read = co_await reading;
  if (read) heard = s.host(kServer).now();
  auto waiting = wait_until_closed(stream);
  co_await waiting;
}

Task<> say_hello(Stage& s) {
  auto opening = open_to(s, kClient, Stage::at(kServer, kServerPort));
  auto stream = co_await opening;
  if (!stream) co_return;
  auto writing = write_text(stream, "hello");
  (void)co_await writing;
  auto waiting = wait_until_closed(stream);
  co_await waiting;
}

Opening open(uint64_t seed, Side side, std::optional<LostFrame> lost) {
  Stage s(setting_of(seed));
  Opening out;
  s.raise(without(s, tcp::Rule::MergedSynAck, side));
  if (lost) s.world().link(lost->from, lost->to).lose(lost->nth);
  s.host(kServer).spawn(hear(s, out.heard));
  s.world().settle();  // the listener is there before the first SYN
  s.host(kClient).spawn(say_hello(s));
  s.run(kLongestOpening);
  out.run = run_of(s);
  const observe::Story story = out.run.story();
  const Facts facts(story);
  const auto client = facts.first(kClient, Established);
  const auto server = facts.first(kServer, Established);
  if (!client || !server) return out;
  const uint32_t last = std::max(client->order, server->order);
  out.segments = static_cast<uint64_t>(std::ranges::count_if(
      facts.segments(), [&](const observe::Heard& h) { return h.sent() && h.order < last; }));
  const Instant end = std::max(client->at, server->at);
  for (const WireRecord& w : out.run.wires) {
    if (w.sent < end) out.octets += w.length;
  }
  return out;
}

// Each segment of the opening is lost once, in a run of its own: how much later the first text was
// read, in all.
Duration cost_of_losses(uint64_t seed, Side side, const Opening& whole) {
  Duration sum{};
  for (const auto& [from, to] : {std::pair{kClient, kServer}, std::pair{kServer, kClient}}) {
    uint64_t frames = 0;
    for (const WireRecord& w : whole.run.wires)
      frames += w.from_host == from && w.sent < whole.heard ? 1 : 0;
    for (uint64_t n = 1; n <= frames; ++n) {
      const Opening hurt = open(seed, side, LostFrame{from, to, n});
      sum += (hurt.heard == kNever ? Instant{} + kLongestOpening : hurt.heard) - whole.heard;
    }
  }
  return sum;
}

uint64_t ns(Duration d) {
  return static_cast<uint64_t>(d.ns);
}

Answer answer_four_way(const Asking& asking) {
  const uint64_t seed = asking.seed;
  Opening with = open(seed, Side::With, std::nullopt);
  Opening without = open(seed, Side::Without, std::nullopt);
  const Duration cost_with = cost_of_losses(seed, Side::With, with);
  const Duration cost_without = cost_of_losses(seed, Side::Without, without);
  const Duration round_trip = 2 * setting_of(seed).delay;
  const auto round_trips = [&](const Opening& o) {
    return fmt::format("{:.1f}", static_cast<double>((o.heard - Instant{}).ns)
                                     / static_cast<double>(round_trip.ns));
  };
  Answer a;
  a.origin = "We set this world up: nothing goes wrong in it, it only takes longer.";
  a.with_title = "With the rule: the answer to a SYN acknowledges it and is a SYN itself";
  a.without_title = "Without: an ACK, and a SYN of its own";
  a.figures = {
      {"segments", "segments until both ends are ESTABLISHED", Unit::Number, with.segments,
       without.segments},
      {"octets", "octets of IP for that", Unit::Number, with.octets, without.octets},
      {"first_text", "until the server has read the client's first text", Unit::Time,
       ns(with.heard - Instant{}), ns(without.heard - Instant{})},
      {"loss_cost", "delay in all, when each segment before that is lost once, in a run of its own",
       Unit::Time, ns(cost_with), ns(cost_without)},
  };
  a.shown = without.segments > with.segments && without.octets > with.octets;
  a.sentences = {
      fmt::format(
          "An opening has four things to say: each end's SYN, and that the other's has "
          "arrived. The ACK of the client's SYN and the server's own SYN go the same way at "
          "the same moment, so one segment says both (RFC 9293 3.5): {} segments instead of "
          "{}, and {} octets instead of {}.",
          with.segments, without.segments, with.octets, without.octets),
      fmt::format(
          "It saves no round trip: the first text is there after {} of them either way, for "
          "nobody waits between the two. What it saves is a segment that can be lost or "
          "overtaken on its own; each of them lost once, in runs of their own, delays the text by "
          "{} in all instead of {}.",
          with.heard == without.heard ? round_trips(with)
                                      : round_trips(with) + " or " + round_trips(without),
          length_words(cost_with), length_words(cost_without)),
      "An ACK apart also ends the sending of the client's SYN too early. When the server's SYN is "
      "lost and the server begins anew, nobody sends any more, and the client waits for ever: "
      "rapport explore --scenario open-close --faults 2 --without four-way-handshake finds it.",
      "Closing has no such merger by rule: an end may have much to send after the other's FIN "
      "(rapport why merged-close).",
  };
  a.with = std::move(with.run);
  a.without = std::move(without.run);
  return a;
}

constexpr std::array kQuestions{
    Question{"four-way-handshake", "why are the ACK and the SYN of the server one segment?",
             tcp::Rule::MergedSynAck, answer_four_way},
};

}  // namespace

std::span<const Question> open_questions() {
  return kQuestions;
}

}  // namespace rapport::app
