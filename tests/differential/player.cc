// Steps in time, segments from words, answers into words.
#include "player.hh"

#include "host.hh"
#include "packet.hh"
#include "rapport/base/address.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/wire/options.hh"
#include "rapport/wire/tcp.hh"
#include "sequence.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace rapport::differential {

namespace {

constexpr uint32_t kFirstStamp = 5'000'000;
constexpr uint32_t kStampsEach = 10;  // the peer's clock moves on so much with each segment
constexpr uint32_t kFillWith = 1400;  // large ones cost the kernel least memory beside their text
constexpr int64_t kAfterFilling = 100'000;  // what RCV.NXT is called from then on
constexpr int64_t kNear = 2000;             // closer to the edge a number is said from there

std::string in_letters(wire::Flags f) {
  static constexpr std::array<std::pair<wire::Flags, char>, 8> kLetters{{{wire::kSyn, 'S'},
                                                                         {wire::kPsh, 'P'},
                                                                         {wire::kFin, 'F'},
                                                                         {wire::kRst, 'R'},
                                                                         {wire::kAck, 'A'},
                                                                         {wire::kUrg, 'U'},
                                                                         {wire::kEce, 'E'},
                                                                         {wire::kCwr, 'W'}}};
  std::string letters;
  for (const auto& [flag, letter] : kLetters) {
    if (f.has(flag)) letters += letter;
  }
  return letters.empty() ? "none" : letters;
}

wire::Flags without(wire::Flags f, wire::Flags bits) {
  return {static_cast<uint8_t>(f.v & ~bits.v)};
}

int32_t distance(Seq to, Seq from) {
  return static_cast<int32_t>((to - from).v);
}

Seq operator+(Seq s, int64_t n) {
  return Seq{s.v + static_cast<uint32_t>(n)};
}

std::vector<uint8_t> text_of(uint32_t length) {
  std::vector<uint8_t> text(length);
  for (uint32_t i = 0; i < length; ++i) text[i] = static_cast<uint8_t>('a' + i % 26);
  return text;
}

int64_t length_of(const SegmentWords& w) {
  return int64_t{w.length} + (w.flags.has(wire::kSyn) ? 1 : 0) + (w.flags.has(wire::kFin) ? 1 : 0);
}

}  // namespace

Player::Player(const Sequence& sequence, const Ends& ends)
    : sequence_(sequence), ends_(ends), irs_(Seq{ends.local.port * 2654435761U + 77U}) {}

bool Player::advance(Instant now, Host& host) {
  if (next_ > 0) ends_step(host);
  if (next_ == sequence_.steps.size()) return false;
  const Step& step = sequence_.steps[next_];
  ++next_;
  due_ = now + (step.verb == Verb::Waits ? Duration{int64_t{step.number} * 1'000'000} : kAtOnce);
  begins(step, host);
  return true;
}

void Player::ends_step(Host& host) {
  const Step& step = sequence_.steps[next_ - 1];
  Answer a{step.judged, step.text, outcome_};
  if (step.judged == Judged::Everything) {
    for (const auto& one : said_) a.said += (a.said.empty() ? "" : "; ") + one;
  }
  if (a.said.empty() || step.judged == Judged::State) a.said = "-";
  a.said += " => " + host.state();
  if (const uint32_t n = host.unread(); n > 0) a.said += " unread " + differential::in_words(n);
  answers_.push_back(std::move(a));
  said_.clear();
  outcome_.clear();
}

void Player::begins(const Step& step, Host& host) {
  switch (step.verb) {
    case Verb::Hears: return says(step.segment, host);
    case Verb::HearsIcmp: return says_icmp(step.icmp, host);
    case Verb::Fills: return fills(host);
    case Verb::Calls: outcome_ = host.call(step.call, step.number); return;
    case Verb::Waits: return;
  }
}

Seq Player::place(const Place& p) const {
  return (p.from_edge ? edge_ : irs_) + p.offset;
}

wire::Options Player::options_of(const SegmentWords& w) const {
  wire::Options o;
  o.has_mss = w.mss.has_value();
  o.mss = w.mss.value_or(0);
  o.has_window_scale = w.scale.has_value();
  o.window_scale = w.scale.value_or(0);
  o.sack_permitted = w.sack_permitted;
  const bool usual = timestamps_ && !w.flags.has(wire::kRst) && !w.no_timestamps;
  o.has_timestamps = usual || w.timestamps || w.tsval.has_value();
  if (o.has_timestamps) {
    o.tsval = kFirstStamp + static_cast<uint32_t>(w.tsval.value_or(segments_ * kStampsEach));
    o.tsecr = w.flags.has(wire::kAck) && !w.zero_echo
                  ? their_stamp_ + static_cast<uint32_t>(w.tsecr.value_or(0))
                  : 0;
  }
  for (const auto& [left, right] : w.sack) {
    o.sack[o.sack_count++] = {iss_ + left, iss_ + right};
  }
  return o;
}

void Player::says(const SegmentWords& w, Host& host) {
  ++segments_;
  if (w.flags.has(wire::kSyn) && w.timestamps) timestamps_ = true;
  if (w.ack) theirs_ = *w.ack;
  const wire::Options options = options_of(w);
  const Seq seq = w.seq ? place(*w.seq) : irs_ + mine_;
  const wire::SegmentHead head{.source_port = static_cast<uint16_t>(ends_.remote.port + w.port),
                               .destination_port = ends_.local.port,
                               .seq = seq,
                               .ack = w.flags.has(wire::kAck) ? iss_ + theirs_ : Seq{},
                               .flags = w.flags,
                               .window = w.window,
                               .urgent = w.urgent,
                               .options = &options};
  auto packet =
      tcp_packet(head, ends_, text_of(w.length), w.raw_options ? &*w.raw_options : nullptr);
  if (w.wrong_sum) packet.back() ^= 0x55;
  if (seq == irs_ + mine_ && !w.flags.has(wire::kRst) && w.port == 0) mine_ += length_of(w);
  host.packet(packet);
}

// As much as the stack has said that it takes; what it has taken is then called kAfterFilling.
void Player::fills(Host& host) {
  irs_ = acked_ + -kAfterFilling;
  mine_ = kAfterFilling;
  while (distance(edge_, irs_ + mine_) > 0) {
    SegmentWords w;
    w.flags = wire::kAck | wire::kPsh;
    w.length = std::min(kFillWith, static_cast<uint32_t>(distance(edge_, irs_ + mine_)));
    says(w, host);
  }
  irs_ = irs_ + (mine_ - kAfterFilling);
  mine_ = kAfterFilling;
}

void Player::says_icmp(const IcmpWords& words, Host& host) {
  host.packet(icmp_packet(words.kind, ends_, iss_ + words.seq, words.mtu));
}

void Player::hears(std::span<const uint8_t> packet) {
  const auto p = read_tcp(packet);
  if (!p) return;
  const auto& s = p->segment;
  const bool other = p->ends.remote.port != ends_.remote.port;
  if (other) {
    said_.push_back(in_letters(s.flags) + " to another port");
    return;
  }
  const bool first = s.flags.has(wire::kSyn) && (!iss_known_ || s.seq != iss_);
  const bool anew = first && iss_known_;
  if (first) {
    iss_ = s.seq;
    iss_known_ = true;
  }
  said_.push_back((anew ? "anew " : "") + in_words(s));
  if (first) edge_known_ = false;
  if (!s.flags.has(wire::kRst)) notes(s);
}

void Player::notes(const wire::Segment& s) {
  if (s.options.has_timestamps) their_stamp_ = s.options.tsval;
  if (s.flags.has(wire::kSyn) || distance(s.seq + s.length(), sent_) > 0)
    sent_ = s.seq + s.length();
  if (s.flags.has(wire::kSyn)) shift_ = s.options.has_window_scale ? s.options.window_scale : 0;
  if (!s.flags.has(wire::kAck)) return;
  const uint8_t shift = s.flags.has(wire::kSyn) ? 0 : shift_;
  acked_ = s.ack;
  const Seq edge = s.ack + (int64_t{s.window} << shift);
  if (!edge_known_ || distance(edge, edge_) > 0) edge_ = edge;
  edge_known_ = true;
}

std::string Player::peer_number(Seq n) const {
  const int64_t from_edge = distance(n, edge_);
  const int64_t from_start = distance(n, irs_);
  if (edge_known_ && from_start > kNear && from_edge > -kNear && from_edge < kNear) {
    return "edge" + (from_edge == 0 ? "" : (from_edge > 0 ? "+" : "") + std::to_string(from_edge));
  }
  return std::to_string(from_start);
}

std::string Player::in_words(const wire::Segment& s) const {
  // Where the pieces of what is sent again end is the sender's business, and PSH with it.
  const bool again = !s.flags.has(wire::kSyn) && distance(s.seq, sent_) < 0;
  std::string w = in_letters(again ? without(s.flags, wire::kPsh) : s.flags) + " seq ";
  const bool zero = s.seq == Seq{} && s.flags.has(wire::kRst);
  w += zero ? "zero" : std::to_string(distance(s.seq, iss_));
  if (s.flags.has(wire::kAck)) w += " ack " + peer_number(s.ack);
  if (!s.text.empty()) w += " len " + std::to_string(s.text.size());
  if (s.window == 0 && !s.flags.has(wire::kRst)) w += " win 0";
  if (s.flags.has(wire::kUrg)) w += " urg " + std::to_string(s.urgent);
  return w + options_in_words(s.options);
}

std::string Player::options_in_words(const wire::Options& o) const {
  std::string w;
  if (o.has_mss) {
    const int usual = kMtu - (ends_.local.address.is_v4() ? 40 : 60);
    w += o.mss == usual ? " mss" : " mss " + std::to_string(o.mss);
  }
  if (o.sack_permitted) w += " sackok";
  if (o.has_timestamps) {
    w +=
        o.tsecr == 0 ? " ts" : " ts " + std::to_string(static_cast<int32_t>(o.tsecr - kFirstStamp));
  }
  if (o.has_window_scale) w += " ws";
  for (size_t i = 0; i < o.sack_count; ++i) {
    w += " sack " + peer_number(o.sack[i].left) + ".." + peer_number(o.sack[i].right);
  }
  return w;
}

}  // namespace rapport::differential
