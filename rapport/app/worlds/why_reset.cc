// The why question about a stranger who ends: he sees nothing of a connection, but may write its
// addresses and ports on a reset, and tries one number after the other. All of them are sent.
#include "rapport/app/demo_stage.hh"
#include "rapport/app/worlds/why_question.hh"
#include "rapport/app/worlds/why_setting.hh"
#include "rapport/base/address.hh"
#include "rapport/base/random.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/observe/names.hh"
#include "rapport/sim/craft.hh"
#include "rapport/sim/link.hh"
#include "rapport/sim/world.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/tcp/counters.hh"
#include "rapport/tcp/rules.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace rapport::app {

namespace {

constexpr uint64_t kNumbers = uint64_t{1} << 32;  // that a sequence number may have
constexpr uint32_t kShown = 2;  // tries that the ladders show before those they leave out

uint32_t next_order(Stage& s) {
  return static_cast<uint32_t>(s.world().records().size());
}

constexpr Duration kSweepPace = 10_us;
constexpr std::string_view kLater = "still here";
constexpr uint64_t kResetOctets = 40;  // of IP
constexpr uint64_t kStrangersRate = 100'000'000;

struct Sweep {
  uint64_t window = 0, tries = 0;
  uint64_t resets = 0;      // connections of the server that ended by a RST
  uint64_t challenges = 0;  // ACKs that asked
  uint64_t lost = 0;        // octets that the client wrote later and nobody read
  Run run;
};

Task<> read_on(Stage& s, uint64_t& octets) {
  coroutine::Listener* listener = s.listen(kServer, kServerPort);
  if (listener == nullptr) co_return;
  auto accepting = accept_one(*listener);
  auto stream = co_await accepting;
  if (!stream) co_return;
  std::array<uint8_t, 64> text{};
  while (true) {
    auto reading = stream.read(text);
    const auto read = co_await reading;
    if (!read || *read == 0) co_return;
    octets += *read;
  }
}

Task<> write_later(Stage& s) {
  coroutine::ConnectOptions options;
  options.local_port = kClientPort;
  auto opening = open_to(s, kClient, Stage::at(kServer, kServerPort), options);
  auto stream = co_await opening;
  if (!stream) co_return;
  auto waiting = s.host(kClient).sleep(60_s);
  co_await waiting;
  auto writing = write_text(stream, kLater);
  (void)co_await writing;
  auto pausing = s.host(kClient).sleep(1_s);
  co_await pausing;
  (void)stream.close();
}

std::optional<tcp::Status> open_side(Stage& s) {
  std::vector<Handle> all;
  stack::Stack& stack = s.world().stack(kServer);
  stack.connections(all);
  for (const Handle h : all) {
    const auto status = stack.command(tcp::GetStatus{h}, s.world().now());
    if (status && status->state == tcp::State::Established) return *status;
  }
  return std::nullopt;
}

// One RST for every window of the whole space, from a number drawn by the seed, until one counts.
void sweep_resets(Stage& s, Sweep& out, uint32_t& left_out, uint32_t& last) {
  Random random(s.settings().seed);
  const auto first = static_cast<uint32_t>(random.next());
  const uint64_t all = (kNumbers + out.window - 1) / out.window;
  const tcp::Counters& counters = s.world().stack(kServer).counters();
  while (out.tries < all && counters.ended_by(CloseReason::ResetByPeer) == 0) {
    last = next_order(s);
    if (out.tries == kShown) left_out = last;
    wire::SegmentHead head;
    head.seq = Seq{static_cast<uint32_t>(first + out.tries * out.window)};
    head.flags = wire::kRst;
    const std::vector<uint8_t> packet =
        sim::craft_segment(Stage::at(kClient, kClientPort), Stage::at(kServer, kServerPort), head);
    s.world().inject(kClient, kServer, packet, s.world().now() + kSweepPace);
    s.world().run_for(kSweepPace);
    ++out.tries;
  }
}

Sweep sweep(uint64_t seed, Side side) {
  Stage s(setting_of(seed));
  s.keep_packets = false;
  s.raise(without(s, tcp::Rule::ChallengeAck, side));
  Sweep out;
  uint64_t heard = 0;
  s.host(kServer).spawn(read_on(s, heard));
  s.world().settle();  // the listener is there before the first SYN
  s.host(kClient).spawn(write_later(s));
  s.world().run_for(1_s);
  const auto victim = open_side(s);
  if (!victim) return out;
  out.window = victim->rcv_wnd.v;
  uint32_t left_out = 0, last = 0;
  sweep_resets(s, out, left_out, last);
  s.world().run_for(1_s);
  s.run(3600_s);
  const tcp::Counters& counters = s.world().stack(kServer).counters();
  out.resets = counters.ended_by(CloseReason::ResetByPeer);
  out.challenges = counters.challenges_sent;
  out.lost = kLater.size() - heard;
  out.run = run_of(s);
  if (out.tries > kShown + 1) {
    out.run.leave_out(left_out, last, kServer,
                      fmt::format("{} more RSTs, one a window", grouped(out.tries - kShown - 1)));
  }
  return out;
}

uint64_t time_at_rate(uint64_t tries) {
  return tries * kResetOctets * 8 * (1'000'000'000 / kStrangersRate);
}

Answer answer_challenge(const Asking& asking) {
  const uint64_t seed = asking.seed;
  Sweep with = sweep(seed, Side::With);
  Sweep without = sweep(seed, Side::Without);
  Answer a;
  if (with.window == 0 || without.window == 0) return a;
  const uint64_t sweep_of = (kNumbers + without.window - 1) / without.window;
  a.origin =
      "We set this world up, for a stranger who guesses is no fault of a wire: he knows the "
      "addresses and ports of a connection, but none of its numbers, and really sends every RST.";
  a.with_title = "With the rule: only an RST at exactly RCV.NXT ends the connection";
  a.without_title = "Without: any RST in the window does, as in RFC 793";
  a.figures = {
      {"resets", "connections that a stranger ended", Unit::Number, with.resets, without.resets},
      {"octets_lost", "octets that the client wrote later and nobody read", Unit::Number, with.lost,
       without.lost},
      {"tries", "RSTs that he sent in this run", Unit::Number, with.tries, without.tries},
      {"challenges", "of them answered by a challenge ACK", Unit::Number, with.challenges,
       without.challenges},
      {"tries_expected", "RSTs needed on average, computed from the window", Unit::Number,
       kNumbers / 2, (sweep_of + 1) / 2},
      {"tries_certain", "RSTs that make it certain, computed from the window", Unit::Number,
       kNumbers, sweep_of},
      {"time_certain",
       fmt::format("how long these take at {}", quantity(kStrangersRate, Unit::BitsPerSecond)),
       Unit::Time, time_at_rate(kNumbers), time_at_rate(sweep_of)},
  };
  a.shown = with.resets == 0 && without.resets > 0 && with.lost == 0 && without.lost > 0;
  a.sentences = {
      fmt::format(
          "RFC 793 took any RST whose number lay in the receive window. The window was {} "
          "octets here, so {} RSTs, one a window, cover all {} numbers: after {} of them the "
          "connection was gone, and what its client wrote later met nobody.",
          grouped(without.window), grouped(sweep_of), grouped(kNumbers), grouped(without.tries)),
      fmt::format(
          "With RFC 5961 3.2 (RFC 9293 3.10.7.4, second; SHLD-2) an RST must carry exactly "
          "RCV.NXT. One elsewhere in the window draws a challenge: an ACK to the real peer, "
          "who, had it really forgotten the connection, would answer it with an RST at the "
          "right number. The same sweep of {} RSTs did no harm, and drew {}.",
          grouped(with.tries), observe::counted(with.challenges, "challenge ACK")),
  };
  a.with = std::move(with.run);
  a.without = std::move(without.run);
  return a;
}

constexpr std::array kQuestions{
    Question{"no-challenge-ack",
             "why is an RST that only lies in the window answered by a question?",
             tcp::Rule::ChallengeAck, answer_challenge},
};

}  // namespace

std::span<const Question> reset_questions() {
  return kQuestions;
}

}  // namespace rapport::app
