// The why question about an old segment of the same connection: 4 GiB are really sent, until the
// sequence numbers have come round.
#include "rapport/app/demo_stage.hh"
#include "rapport/app/worlds/why_question.hh"
#include "rapport/app/worlds/why_setting.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/observe/names.hh"
#include "rapport/sim/link.hh"
#include "rapport/sim/world.hh"
#include "rapport/socket/coroutine/opening.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/tcp/counters.hh"
#include "rapport/tcp/rules.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace rapport::app {

namespace {

using observe::length_words;

constexpr uint64_t kWrap = uint64_t{1} << 32;
constexpr uint64_t kRate = 10'000'000'000;  // bits a second
constexpr Duration kWay = 1_ms;
constexpr uint16_t kMtu = 65'535;
constexpr ByteCount kBuffers = 4096_KiB;
constexpr size_t kPiece = size_t{1} << 20;
constexpr Duration kPause = 20_ms;
constexpr Duration kLongestTransfer = 600_s;

// At the beginning, up to where the numbers come round, and from there on. The first and the last
// are equally long and differ in every octet.
constexpr std::string_view kFirst = "PAY BOB 1000 DOLLARS.";
constexpr char kFill = '.';
constexpr std::string_view kBefore = "and now: ";
constexpr std::string_view kLast = "thank you, that's all";
static_assert(kFirst.size() == kLast.size());

struct Wrapped {
  uint64_t read = 0, wrong = 0;  // octets that the server's application read; not what was written
  std::string end;               // what it read of kLast's place
  uint64_t refused = 0;          // segments, by PAWS
  Duration age{};                // of the old segment when it came
  bool paused = false;           // the client has written all up to kBefore
  Run run;
};

// What the client writes at this place of the stream.
char written_at(uint64_t place) {
  if (place < kFirst.size()) return kFirst[place];
  if (place >= kWrap) return kLast[place - kWrap];
  if (place >= kWrap - kBefore.size()) return kBefore[place - (kWrap - kBefore.size())];
  return kFill;
}

// `fill`: kPiece of kFill.
void compare(std::string_view text, std::string_view fill, Wrapped& out) {
  const bool filled = out.read >= kFirst.size() && out.read + text.size() <= kWrap - kBefore.size()
                      && text == fill.substr(0, text.size());
  for (size_t i = 0; !filled && i < text.size(); ++i) {
    if (text[i] != written_at(out.read + i)) ++out.wrong;
    if (out.read + i >= kWrap) out.end += text[i];
  }
  out.read += text.size();
}

Task<> read_it(Stage& s, Wrapped& out) {
  coroutine::ListenOptions options;
  options.options = with_buffers(kBuffers).options;
  coroutine::Listener* listener = s.listen(kServer, kServerPort, options);
  if (listener == nullptr) co_return;
  auto accepting = accept_one(*listener);
  auto stream = co_await accepting;
  if (!stream) co_return;
  const std::string fill(kPiece, kFill);
  std::vector<uint8_t> buffer(kPiece);
  while (true) {
    auto reading = stream.read(buffer);
    const auto read = co_await reading;
    if (!read || *read == 0) break;
    compare({reinterpret_cast<const char*>(buffer.data()), *read}, fill, out);
  }
  (void)stream.close();
}

Task<> write_it(Stage& s, Wrapped& out) {
  coroutine::Host& host = s.host(kClient);
  auto opening = open_to(s, kClient, Stage::at(kServer, kServerPort), with_buffers(kBuffers));
  auto stream = co_await opening;
  if (!stream) co_return;
  auto first = write_text(stream, kFirst);
  (void)co_await first;
  auto pausing = host.sleep(kPause);
  co_await pausing;
  const std::string piece(kPiece, kFill);
  uint64_t left = kWrap - kFirst.size() - kBefore.size();
  while (left > 0) {
    const size_t n = std::min<uint64_t>(left, piece.size());
    auto writing = write_text(stream, std::string_view(piece).substr(0, n));
    const bool written = co_await writing;
    if (!written) co_return;
    left -= n;
  }
  auto resting = host.sleep(2 * kPause);
  co_await resting;
  out.paused = true;
  auto waiting = host.sleep(kPause);
  co_await waiting;
  for (const std::string_view text : {kBefore, kLast}) {
    auto writing = write_text(stream, text);
    (void)co_await writing;
    auto breathing = host.sleep(kPause);
    co_await breathing;
  }
  (void)stream.close();
}

// Keeps the first packet of a host that holds text.
class FirstText : public sim::Observer {
 public:
  explicit FirstText(uint32_t host) : host_(host) {}

  [[nodiscard]] std::span<const uint8_t> packet() const { return packet_; }

  [[nodiscard]] Instant left() const { return left_; }

 private:
  void passed(sim::HostId host, sim::Passing way, Instant at,
              std::span<const uint8_t> packet) override {
    if (host != host_ || way != sim::Passing::Out || !packet_.empty()) return;
    const auto ip = wire::parse_ipv4(packet);
    if (!ip) return;
    const auto segment =
        wire::parse_tcp(ip->payload, ip->source, ip->destination, wire::Checksum::AlreadyVerified);
    if (!segment || segment->text.empty()) return;
    packet_.assign(packet.begin(), packet.end());
    left_ = at;
  }

  uint32_t host_;
  std::vector<uint8_t> packet_;
  Instant left_{};
};

void set_tracing(Stage& s, bool on) {
  constexpr uint32_t ring = 4096;
  for (const uint32_t h : {kClient, kServer}) s.world().stack(h).trace().enable(on ? ring : 0);
}

Wrapped wrap(uint64_t seed, Side side) {
  DemoSettings settings = setting_of(seed);
  settings.delay = kWay;
  Stage s(settings);
  s.keep_packets = false;
  for (const uint32_t h : {kClient, kServer}) {
    s.config(h).interfaces[0].mtu = kMtu;
    s.machine(h).frames = 512;
  }
  sim::WorldConfig world = without(s, tcp::Rule::Paws, side);
  world.abort_on_complaint = false;  // the oracle is told only of the beginning and the end
  s.raise(world);
  for (const auto& [from, to] : {std::pair{kClient, kServer}, std::pair{kServer, kClient}}) {
    sim::LinkConfig link = s.world().link(from, to).config();
    link.bits_per_second = kRate;
    s.world().link(from, to).configure(link);
  }
  FirstText old(kClient);
  s.world().observe(old);
  Wrapped out;
  s.host(kServer).spawn(read_it(s, out));
  s.world().settle();  // the listener is there before the first SYN
  s.host(kClient).spawn(write_it(s, out));
  s.world().run_until(Instant{} + kPause);
  set_tracing(s, false);
  while (!out.paused && s.world().now() < Instant{} + kLongestTransfer && s.world().step())
    continue;
  set_tracing(s, true);
  s.remark(kClient, fmt::format("has sent {} by now", quantity(kWrap, Unit::Octets)));
  s.world().inject(kClient, kServer, old.packet(), s.world().now() + kWay);
  out.age = s.world().now() - old.left();
  s.run(kLongestTransfer);
  out.refused = s.world().stack(kServer).counters().dropped(DropReason::PawsRejected);
  out.run = run_of(s);
  return out;
}

Answer answer_paws(const Asking& asking) {
  const uint64_t seed = asking.seed;
  Wrapped with = wrap(seed, Side::With);
  Wrapped without = wrap(seed, Side::Without);
  Answer a;
  a.origin = fmt::format(
      "We set this world up: it takes {} of text, which are really sent, at {} in segments of {} "
      "octets; a copy of the first segment comes late, out of a detour in the network.",
      quantity(kWrap, Unit::Octets), quantity(kRate, Unit::BitsPerSecond), grouped(kMtu));
  a.with_title = "With the rule: a segment whose timestamp is older than the last one is refused";
  a.without_title = "Without: whatever lies in the window is taken";
  a.figures = {
      {"octets_wrong", "octets that the server read and nobody had written there", Unit::Number,
       with.wrong, without.wrong},
      {"octets_read", "octets that it read in all", Unit::Number, with.read, without.read},
      {"refused", "segments refused by PAWS", Unit::Number, with.refused, without.refused},
      {"age", "age of the old segment when it came", Unit::Time, static_cast<uint64_t>(with.age.ns),
       static_cast<uint64_t>(without.age.ns)},
  };
  a.shown = with.wrong == 0 && without.wrong > 0 && with.refused > 0;
  a.sentences = {
      fmt::format(
          "Sequence numbers come round after {} octets, at this rate within {}, and a segment "
          "may live for 2 minutes (MSL, RFC 9293 3.4.1): an old one then lies in the window "
          "again. Without PAWS it waited there for the text before it, and the server read "
          "\"{}\" where the client wrote \"{}\".",
          grouped(kWrap), length_words(without.age), without.end, kLast),
      fmt::format(
          "With PAWS (RFC 7323 5) the timestamps tell the laps apart: the old segment's was "
          "{} old and lay behind the last one that was taken, so it was dropped and answered "
          "by an ACK.",
          length_words(with.age)),
      "The checksum does not help: the segment is not damaged, only old.",
  };
  a.with = std::move(with.run);
  a.without = std::move(without.run);
  return a;
}

constexpr std::array kQuestions{
    Question{"no-paws", "why does every segment carry a timestamp?", tcp::Rule::Paws, answer_paws},
};

}  // namespace

std::span<const Question> old_questions() {
  return kQuestions;
}

}  // namespace rapport::app
