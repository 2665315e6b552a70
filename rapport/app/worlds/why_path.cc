// Why questions about a path: what window scale, SACK and timestamps are worth where it is long and
// fat and sometimes loses.
#include "rapport/app/demo_stage.hh"
#include "rapport/app/worlds/why_question.hh"
#include "rapport/app/worlds/why_setting.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/observe/names.hh"
#include "rapport/sim/link.hh"
#include "rapport/sim/world.hh"
#include "rapport/socket/coroutine/opening.hh"
#include "rapport/tcp/config.hh"
#include "rapport/tcp/counters.hh"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace rapport::app {

namespace {

using observe::length_words;

constexpr uint64_t kRate = 100'000'000;       // bits a second
constexpr Duration kWay = 50_ms;              // one way
constexpr uint32_t kLossPpm = 100;            // 0.01 %
constexpr uint32_t kText = 16 * 1024 * 1024;  // octets to be moved
constexpr ByteCount kBuffers = 4096_KiB;
constexpr Duration kFirstText = 1_s;  // the ladders end before it
constexpr Duration kLongestTransfer = 3600_s;

struct Offers {
  bool window_scale = true, sack = true, timestamps = true;
};

struct Transfer {
  uint64_t bits_per_second = 0;
  Duration took{};
  uint64_t again = 0, timeouts = 0;  // segments sent again; retransmission time-outs
  Run run;
};

Task<> receive_all(Stage& s, Instant& done) {
  coroutine::ListenOptions options;
  options.options = with_buffers(kBuffers).options;
  coroutine::Listener* listener = s.listen(kServer, kServerPort, options);
  if (listener == nullptr) co_return;
  auto accepting = accept_one(*listener);
  auto stream = co_await accepting;
  if (!stream) co_return;
  auto reading = read_to_end(stream);
  const bool whole = co_await reading;
  if (whole) done = s.host(kServer).now();
  (void)stream.close();
}

Task<> send_all(Stage& s, const std::string& text) {
  auto opening = open_to(s, kClient, Stage::at(kServer, kServerPort), with_buffers(kBuffers));
  auto stream = co_await opening;
  if (!stream) co_return;
  auto waiting = s.host(kClient).sleep_until(Instant{} + kFirstText);
  co_await waiting;
  auto writing = write_text(stream, text);
  (void)co_await writing;
  (void)stream.close();
}

Transfer transfer(uint64_t seed, const Offers& offers) {
  DemoSettings settings = setting_of(seed);
  settings.delay = kWay;
  Stage s(settings);
  s.keep_packets = false;
  for (const uint32_t h : {kClient, kServer}) {
    s.config(h).tcp.offer_window_scale = offers.window_scale;
    s.config(h).tcp.offer_sack = offers.sack;
    s.config(h).tcp.offer_timestamps = offers.timestamps;
    s.machine(h).frames = 16'384;
  }
  sim::WorldConfig world;
  s.raise(world);
  sim::LinkConfig link = s.world().link(kClient, kServer).config();
  link.bits_per_second = kRate;
  link.queue = kRate / 8 / 10;  // one round trip's worth
  link.faults.loss_ppm = kLossPpm;
  s.world().link(kClient, kServer).configure(link);
  const std::string text(kText, '.');
  Instant done = kNever;
  s.host(kServer).spawn(receive_all(s, done));
  s.world().settle();  // the listener is there before the first SYN
  s.host(kClient).spawn(send_all(s, text));
  s.world().run_until(Instant{} + kFirstText - 1_ms);
  Transfer out;
  out.run = run_of(s);
  s.run(kLongestTransfer);
  if (done == kNever) return out;
  const tcp::Counters& c = s.world().stack(kClient).counters();
  out.took = done - (Instant{} + kFirstText);
  out.bits_per_second = uint64_t{kText} * 8 * 1'000'000 / static_cast<uint64_t>(out.took.to_us());
  out.again = c.retransmissions;
  out.timeouts = c.timeouts;
  return out;
}

Answer answer_options(const Asking& asking) {
  const uint64_t seed = asking.seed;
  Transfer all = transfer(seed, {});
  Transfer none = transfer(seed, {false, false, false});
  const Transfer no_scale = transfer(seed, {false, true, true});
  const Transfer no_sack = transfer(seed, {true, false, true});
  const Transfer no_timestamps = transfer(seed, {true, true, false});
  Answer a;
  a.origin = fmt::format(
      "We set this world up: {} over a path of {} that takes {} each way and loses one frame in {} "
      "by the seed; the ladders show the opening.",
      quantity(kText, Unit::Octets), quantity(kRate, Unit::BitsPerSecond), length_words(kWay),
      grouped(1'000'000 / kLossPpm));
  a.with_title = "Both ends offer window scale, SACK and timestamps";
  a.without_title = "Neither offers any";
  a.with_column = "all three";
  a.without_column = "none";
  a.figures = {
      {"throughput", "text a second", Unit::BitsPerSecond, all.bits_per_second,
       none.bits_per_second},
      {"time", "until all of it was read", Unit::Time, static_cast<uint64_t>(all.took.ns),
       static_cast<uint64_t>(none.took.ns)},
  };
  Table t{"one_by_one", "One by one, at the same losses", Unit::BitsPerSecond, {"throughput"}, {}};
  t.rows = {{"all three", {all.bits_per_second}},
            {"without timestamps only", {no_timestamps.bits_per_second}},
            {"without SACK only", {no_sack.bits_per_second}},
            {"without window scale only", {no_scale.bits_per_second}},
            {"none", {none.bits_per_second}}};
  a.tables = {t};
  a.shown = none.bits_per_second > 0 && all.bits_per_second > none.bits_per_second;
  const auto speed = [](const Transfer& one) {
    return quantity(one.bits_per_second, Unit::BitsPerSecond);
  };
  constexpr uint64_t plain_window = 65'535;
  const auto most = plain_window * 8 * 1'000'000 / static_cast<uint64_t>((2 * kWay).to_us());
  a.sentences = {
      fmt::format(
          "The window field has 16 bits: without window scale (RFC 7323 2) at most {} octets "
          "are on the way at once, one window a round trip of {}, so never more than {}, "
          "however fat the path is. Here it was {} instead of {}.",
          grouped(plain_window), length_words(2 * kWay), quantity(most, Unit::BitsPerSecond),
          speed(no_scale), speed(all)),
      fmt::format(
          "Without SACK (RFC 2018) alone it was {}, without timestamps (RFC 7323 3) alone {}: "
          "this stack's sender mends a loss by duplicate ACKs and NewReno (RFC 6582) and "
          "offers its SACK blocks for the peer's good, and what timestamps protect is shown "
          "by rapport why no-paws.",
          speed(no_sack), speed(no_timestamps)),
      "All three must be agreed in the SYNs, for a peer that does not know them would take a "
      "scaled "
      "window at its face value (RFC 7323 2.2).",
  };
  a.with = std::move(all.run);
  a.without = std::move(none.run);
  return a;
}

constexpr std::array kQuestions{
    Question{"no-options", "why do SYNs carry window scale, SACK and timestamps?", std::nullopt,
             answer_options},
};

}  // namespace

std::span<const Question> path_questions() {
  return kQuestions;
}

}  // namespace rapport::app
