// The why question about a stranger who opens: he sees nothing of what the server answers, but may
// write any address on a segment, and guesses. How often he must is counted.
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

using coroutine::Stream;
using observe::length_words;

constexpr uint64_t kNumbers = uint64_t{1} << 32;  // that a sequence number may have
constexpr uint32_t kStranger = 2;
constexpr uint32_t kShown = 2;  // tries that the ladders show before those they leave out

std::span<const uint8_t> octets_of(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

uint32_t next_order(Stage& s) {
  return static_cast<uint32_t>(s.world().records().size());
}

// --- predictable-isn ---

constexpr uint32_t kTrusted = kClient;
constexpr uint16_t kTrustedPort = 1023;
constexpr Duration kUnsure = 2_ms;  // how much later than he thinks a segment of his may arrive
constexpr Duration kClockOfIsn = 4_us;
constexpr Duration kPace = 100_us;
constexpr uint32_t kSpread = static_cast<uint32_t>(kUnsure.ns / kClockOfIsn.ns);
constexpr uint32_t kTries = 2 * kSpread + 1;
constexpr std::string_view kOrder = "let me in";

struct Injection {
  uint64_t believed = 0;  // octets that the server's application read as the trusted host's
  uint64_t tries = 0;
  uint64_t resets = 0;  // the server's answers to wrong guesses
  Run run;
};

Task<> believe(Stream accepted, uint64_t& octets) {
  Stream stream = std::move(accepted);
  std::array<uint8_t, 64> text{};
  auto reading = stream.read(text);
  const auto read = co_await reading;
  const auto status = stream.status();
  if (read && status && status->remote.address == Stage::at(kTrusted, 0).address) octets += *read;
  auto waiting = wait_until_closed(stream);
  co_await waiting;
}

// What the stranger learns from a connection of his own.
struct Glimpse {
  Seq isn;
  Instant at = kNever;  // when he saw it
};

Task<> look(Stage& s, Glimpse& seen) {
  auto opening = open_to(s, kStranger, Stage::at(kServer, kServerPort));
  auto stream = co_await opening;
  if (!stream) co_return;
  const auto status = stream.status();
  if (status) seen = {status->irs, s.host(kStranger).now()};
  (void)stream.abort();
}

// 0, 1, -1, 2, -2, ...
int64_t nth_guess(uint32_t n) {
  const auto step = static_cast<int64_t>((n + 1) / 2);
  return n % 2 == 1 ? step : -step;
}

class Intruder {
 public:
  explicit Intruder(Stage& stage) : s_(stage), random_(stage.settings().seed) {}

  // A SYN in the name of the trusted host. What the server answers he does not see.
  void open(const Glimpse& seen) {
    const auto late = static_cast<int64_t>(random_.next() % static_cast<uint64_t>(kUnsure.ns));
    const Instant now = s_.world().now();
    const Duration since = now + s_.settings().delay - (seen.at - s_.settings().delay);
    guess_ = seen.isn + ByteCount{static_cast<uint64_t>((since + kUnsure / 2).ns / kClockOfIsn.ns)};
    seq_ = Seq{static_cast<uint32_t>(random_.next())};
    wire::SegmentHead head;
    head.seq = seq_;
    head.flags = wire::kSyn;
    head.window = 65535;
    put(head, {}, now + s_.settings().delay + Duration{late});
    s_.world().run_for(s_.settings().delay + kUnsure);
  }

  void guess(uint32_t n) {
    wire::SegmentHead head;
    head.seq = seq_ + 1_B;
    head.ack = Seq{guess_.v + 1 + static_cast<uint32_t>(nth_guess(n))};
    head.flags = wire::kAck | wire::kPsh;
    head.window = 65535;
    put(head, octets_of(kOrder), s_.world().now() + kPace);
    s_.world().run_for(kPace);
  }

 private:
  void put(const wire::SegmentHead& head, std::span<const uint8_t> text, Instant at) {
    const std::vector<uint8_t> packet = sim::craft_segment(
        Stage::at(kTrusted, kTrustedPort), Stage::at(kServer, kServerPort), head, text);
    s_.world().inject(kTrusted, kServer, packet, at);
  }

  Stage& s_;
  Random random_;
  Seq guess_, seq_;
};

// The ladder between trusted host and server: who really sent those segments, no host tells.
Run told_between(const Stage& s) {
  Run run = run_of(s);
  run.hosts.resize(2);
  const IpAddress trusted = Stage::at(kTrusted, 0).address;
  std::erase_if(run.records, [&](const HostRecord& r) {
    const IpAddress& remote = r.record.header.key.remote;
    return r.host != kServer || (remote != trusted && !remote.is_unspecified());
  });
  return run;
}

Injection inject(uint64_t seed, Side side) {
  Stage s(setting_of(seed));
  s.rename(kTrusted, "trusted host");
  s.add_host("stranger");
  s.raise(without(s, tcp::Rule::UnpredictableIsn, side));
  sim::LinkConfig wire;
  wire.delay = s.settings().delay;
  s.world().connect(kStranger, kServer, wire);
  Injection out;
  Glimpse seen;
  const auto trusting = [&](Stream stream) { return believe(std::move(stream), out.believed); };
  s.host(kServer).spawn(serve_all(s, trusting));
  s.world().settle();  // the listener is there before the first SYN
  s.world().partition(kTrusted, kServer, true);
  s.host(kStranger).spawn(look(s, seen));
  s.world().run_for(1_s);
  s.remark(kServer, "a stranger has just seen an ISN of this host in a connection of his own");
  Intruder intruder(s);
  intruder.open(seen);
  uint32_t left_out = 0, last = 0;
  while (out.tries < kTries && out.believed == 0) {
    last = next_order(s);
    if (out.tries == kShown) left_out = last;
    intruder.guess(static_cast<uint32_t>(out.tries++));
  }
  out.resets = s.world().stack(kServer).counters().resets_sent;
  s.world().run_for(10_ms);
  out.run = told_between(s);
  if (out.tries > kShown + 1) {
    out.run.leave_out(
        left_out, last, kServer,
        fmt::format("{} more guesses, each answered by an RST", grouped(out.tries - kShown - 1)));
  }
  return out;
}

Answer answer_isn(const Asking& asking) {
  const uint64_t seed = asking.seed;
  Injection with = inject(seed, Side::With);
  Injection without = inject(seed, Side::Without);
  Answer a;
  a.origin = fmt::format(
      "We set this world up, for a stranger who guesses is no fault of a wire: he keeps the "
      "trusted "
      "host from answering, forges its address, sees nothing that the server answers, and does not "
      "know when to the {} his segments arrive.",
      length_words(kUnsure));
  a.with_title = "With the rule: ISN = clock + F(addresses, ports, secret)";
  a.without_title = "Without: ISN = clock";
  a.figures = {
      {"octets_believed", "octets that the server read as the trusted host's", Unit::Number,
       with.believed, without.believed},
      {"tries", "guesses that the stranger sent", Unit::Number, with.tries, without.tries},
      {"candidates", "numbers among which he must guess", Unit::Number, kNumbers, kTries},
      {"tries_expected", "guesses needed on average, computed from that", Unit::Number,
       kNumbers / 2, (kTries + 1) / 2},
  };
  a.shown = with.believed == 0 && without.believed > 0;
  const Duration life = tcp::Config{}.syn_ack_give_up;
  const auto fit = static_cast<uint64_t>(life.ns / kPace.ns);
  a.sentences = {
      fmt::format(
          "The server takes text in the name of the trusted host only after an ACK of its "
          "ISN, which went to that host and not to the stranger. With RFC 793's clock of 4 us "
          "alone, the ISN of his own connection a moment ago tells him the next one to within "
          "{} numbers: guess {} was right, and the server read \"{}\".",
          grouped(kTries), grouped(without.tries), kOrder),
      fmt::format("With RFC 6528 (RFC 9293 3.4.1, SHLD-1) every pair of addresses and ports has a "
                  "number space of its own, offset by a secret: what he saw tells nothing, all {} "
                  "guesses drew an RST, and he has {} numbers to try. A half-open connection lives "
                  "{} s, in which {} guesses at this pace fit: one chance in {}.",
                  grouped(with.tries), grouped(kNumbers), life.to_s(), grouped(fit),
                  grouped(kNumbers / fit)),
      "It is no proof of who the peer is: whoever sees the segments needs no guess. That is what "
      "TLS is for.",
  };
  a.with = std::move(with.run);
  a.without = std::move(without.run);
  return a;
}

constexpr std::array kQuestions{
    Question{"predictable-isn", "why must nobody be able to guess the first sequence number?",
             tcp::Rule::UnpredictableIsn, answer_isn},
};

}  // namespace

std::span<const Question> attack_questions() {
  return kQuestions;
}

}  // namespace rapport::app
