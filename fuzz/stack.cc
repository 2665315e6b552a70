// Fuzzes Stack::receive in every state: the input picks settings and a state, an honest peer leads
// the stack there, and then come bursts of segments whose numbers lie near those that matter, ICMP
// about what was sent, fragments, calls of the application, time. What the stack sends must be well
// formed, a reset draws no reset, the auditor agrees after each step; at the end all closes and
// every pool is empty.
#include "input.hh"
#include "rapport/wire/icmp.hh"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace rapport::fuzz {
namespace {

constexpr uint16_t kOurPort = 80, kPeerPort = 4000;
constexpr uint32_t kMostSteps = 300;
constexpr size_t kMostBurst = 8;

class Play {
 public:
  explicit Play(Input& in)
      : in_(in),
        v6_(in.chance()),
        own_(address(v6_, 1)),
        peer_(address(v6_, 2)),
        host_(settings(in, own_), Instant{1'000'000'000}),
        text_(8192, 0x61) {}

  void runs() {
    reaches(in_.below(12));
    for (uint32_t i = 0; i < kMostSteps && !in_.empty(); ++i) {
      step();
      host_.checks();
    }
    host_.must_come_to_rest();
  }

 private:
  // --- the way to a state ---------------------------------------------------------------------

  wire::Options syn_options() {
    wire::Options o;
    const uint8_t bits = in_.octet();
    o.has_mss = (bits & 1) == 0;
    o.mss = (bits & 2) == 0 ? 1460 : in_.two();
    o.sack_permitted = sack_ = (bits & 4) == 0;
    o.has_timestamps = timestamps_ = (bits & 8) == 0;
    o.tsval = tsval_;
    o.has_window_scale = scaled_ = (bits & 16) == 0;
    o.window_scale = bits >> 5;
    return o;
  }

  void tells(wire::Flags flags, Seq seq, Seq ack, const wire::Options& o,
             std::span<const uint8_t> text = {}, uint16_t window = 60'000) {
    const wire::SegmentHead head{.source_port = kPeerPort,
                                 .destination_port = kOurPort,
                                 .seq = seq,
                                 .ack = ack,
                                 .flags = flags,
                                 .window = window,
                                 .options = &o};
    const std::vector<uint8_t> one = packet_of(head, peer_, own_, text);
    host_.receives(std::span(&one, 1));
    hears();
  }

  wire::Options now_options() {
    wire::Options o;
    o.has_timestamps = timestamps_ && host_.stack.config().tcp.offer_timestamps;
    o.tsval = ++tsval_;
    o.tsecr = tsecr_;
    return o;
  }

  void hears() {
    for (Said& s : host_.says()) {
      last_ = std::move(s.packet);
      if (!s.segment) continue;
      const wire::Segment& seg = *s.segment;
      resets_ += seg.flags.has(wire::kRst) ? 1U : 0U;
      if (seg.source_port != kOurPort || seg.destination_port != kPeerPort) continue;
      if (seg.flags.has(wire::kRst)) continue;
      if (seg.flags.has(wire::kSyn)) nxt_ = seg.seq;
      nxt_ = later(nxt_, seg.seq + seg.length());
      if (seg.flags.has(wire::kAck)) expected_ = seg.ack;
      if (seg.options.has_timestamps) tsecr_ = seg.options.tsval;
    }
    tcp::Occurrence o;
    while (host_.stack.next_event(o)) {
      if (!o.is(tcp::What::Acceptable)) continue;
      const auto r = host_.stack.command(tcp::Accept{.listener = listener_}, host_.now);
      if (r) host_.owns(handle_ = *r);
    }
  }

  void opens(bool passive) {
    const wire::Options o = syn_options();
    irs_ = Seq{in_.chance() ? 0xffff'fff0U : 1000U};
    expected_ = irs_;
    if (passive) {
      tcp::Listen l;
      l.port = kOurPort;
      l.backlog = 4;
      listener_ = host_.stack.command(l, host_.now).value_or(Handle{});
      tells(wire::kSyn, irs_, Seq{}, o);
    } else {
      opens_actively();
      tells(wire::kSyn | wire::kAck, irs_, nxt_, o);
    }
    expected_ = irs_ + 1_B;
  }

  void opens_actively() {
    const tcp::Connect c{.remote = {peer_, kPeerPort}, .local_address = {}, .local_port = kOurPort};
    handle_ = host_.stack.command(c, host_.now).value_or(Handle{});
    host_.owns(handle_);
    hears();
  }

  void acknowledges(wire::Flags more = {}) {
    const Seq at = expected_;
    tells(wire::kAck | more, at, nxt_, now_options());
  }

  void closes() {
    const auto r = in_.chance() ? host_.stack.command(tcp::Close{handle_}, host_.now)
                                : host_.stack.command(tcp::ShutdownWrite{handle_}, host_.now);
    (void)r;
    hears();
  }

  // As many of the moves as the state wants: 0 CLOSED, 1 LISTEN, 2 SYN-SENT, 3 SYN-RECEIVED,
  // 4 and 5 ESTABLISHED, 6 FIN-WAIT-1, 7 FIN-WAIT-2, 8 CLOSE-WAIT, 9 CLOSING, 10 LAST-ACK,
  // 11 TIME-WAIT.
  void reaches(uint32_t state) {
    if (state == 0) return;
    if (state == 1) {
      tcp::Listen l;
      l.port = kOurPort;
      listener_ = host_.stack.command(l, host_.now).value_or(Handle{});
      return;
    }
    if (state == 2) {
      opens_actively();
      return;
    }
    opens(state != 4);
    if (state == 3) return;
    acknowledges();
    if (state <= 5) return;
    if (state == 8 || state == 10) {
      acknowledges(wire::kFin);
      if (state == 10) closes();
      return;
    }
    const Seq before_fin = nxt_;
    closes();
    if (state == 9) tells(wire::kAck | wire::kFin, expected_, before_fin, now_options());
    if (state == 7 || state == 11) acknowledges();
    if (state == 11) acknowledges(wire::kFin);
  }

  // --- steps ------------------------------------------------------------------------------------

  Seq near(Seq base) {
    switch (in_.below(8)) {
      case 0:
      case 1:
      case 2: return base;
      case 3: return base + ByteCount{in_.octet()};
      case 4: return base - ByteCount{1U + in_.octet()};
      case 5: return base + ByteCount{in_.two()};
      case 6: return base - ByteCount{in_.two()};
      default: return Seq{in_.four()};
    }
  }

  wire::Options crafted_options() {
    wire::Options o;
    const uint8_t bits = in_.octet();
    o.has_timestamps = timestamps_ != ((bits & 1) != 0);
    o.tsval = (bits & 2) != 0 ? tsval_ - in_.two() : ++tsval_;
    o.tsecr = (bits & 4) != 0 ? in_.four() : tsecr_;
    if ((bits & 8) != 0) {
      o.sack_count = static_cast<uint8_t>(1 + in_.below(o.has_timestamps ? 3 : 4));
      for (uint8_t i = 0; i < o.sack_count; ++i) {
        const Seq left = near(nxt_);
        o.sack.at(i) = {left, near(left)};
      }
    }
    if ((bits & 16) != 0) {
      o.has_mss = true;
      o.mss = in_.two();
      o.sack_permitted = true;
    }
    return o;
  }

  std::vector<uint8_t> segment() {
    constexpr std::array kUsual{
        wire::kAck, wire::kAck | wire::kFin, wire::kAck | wire::kPsh, wire::kSyn,
        wire::kRst, wire::kSyn | wire::kAck};
    const uint32_t kind = in_.below(8);
    const wire::Options o = crafted_options();
    wire::SegmentHead head{
        .source_port = kPeerPort,
        .destination_port = kOurPort,
        .seq = near(expected_),
        .ack = near(nxt_),
        .flags = kind < kUsual.size() ? kUsual.at(kind) : wire::Flags{in_.octet()},
        .window = 60'000,
        .options = &o};
    const uint8_t bits = in_.octet();
    if ((bits & 1) != 0) head.window = in_.two();
    if ((bits & 2) != 0) head.urgent = in_.two();
    if ((bits & 0xe0) == 0xe0) head.source_port = static_cast<uint16_t>(kPeerPort + in_.below(16));
    constexpr std::array kLengths{0U, 0U, 1U, 10U, 100U, 1000U, 1400U, 1460U};
    const uint32_t length = kLengths.at(bits >> 2 & 7);
    all_resets_ = all_resets_ && head.flags.has(wire::kRst);
    return packet_of(head, peer_, own_, std::span(text_).first(length));
  }

  void burst() {
    all_resets_ = true;
    std::vector<std::vector<uint8_t>> packets;
    const size_t n = 1 + in_.below(kMostBurst);
    while (packets.size() < n) packets.push_back(segment());
    host_.tell();
    (void)host_.says();
    resets_ = 0;
    host_.receives(packets);
    if (holds_) return;
    hears();
    ASSERT(!all_resets_ || resets_ == 0);
  }

  // About the last packet that the stack sent, perhaps spoilt.
  void icmp() {
    if (last_.empty() || v6_) return;
    std::vector<uint8_t> quote(last_.begin(), last_.begin()
                                                  + static_cast<std::ptrdiff_t>(std::min<size_t>(
                                                      last_.size(), 28U + in_.below(64))));
    if (in_.chance()) quote.at(in_.octet() % quote.size()) ^= in_.octet();
    std::vector<uint8_t> packet(wire::kIpv4Header + 8 + quote.size());
    uint8_t* at = packet.data() + wire::kIpv4Header;
    at[0] = in_.chance() ? 3 : in_.octet();
    at[1] = static_cast<uint8_t>(in_.below(16));
    wire::store16(at + 6, in_.two());
    std::ranges::copy(quote, at + 8);
    const uint16_t sum = wire::finish(wire::sum(std::span(packet).subspan(wire::kIpv4Header)));
    std::memcpy(at + 2, &sum, 2);
    wire::Ipv4 ip;
    ip.source = peer_;
    ip.destination = own_;
    ip.protocol = wire::kProtocolIcmp;
    wire::build_ipv4(packet.data(), ip, static_cast<uint16_t>(8 + quote.size()));
    host_.receives(std::span(&packet, 1));
    hears();
  }

  // A segment in two fragments, in any order, one perhaps twice or never.
  void fragments() {
    if (v6_) return;
    all_resets_ = true;
    const std::vector<uint8_t> whole = segment();
    const size_t payload = whole.size() - wire::kIpv4Header;
    const size_t cut = 8 * std::min<size_t>(payload / 8, 1 + in_.below(8));
    const auto part = [&](size_t from, size_t upto, bool more) {
      std::vector<uint8_t> p(wire::kIpv4Header + upto - from);
      wire::Ipv4 ip;
      ip.source = peer_;
      ip.destination = own_;
      ip.protocol = wire::kProtocolTcp;
      ip.dont_fragment = false;
      ip.more_fragments = more;
      ip.fragment_offset = static_cast<uint16_t>(from);
      ip.id = id_;
      wire::build_ipv4(p.data(), ip, static_cast<uint16_t>(upto - from));
      std::copy_n(whole.begin() + static_cast<std::ptrdiff_t>(wire::kIpv4Header + from),
                  upto - from, p.begin() + wire::kIpv4Header);
      return p;
    };
    std::vector<std::vector<uint8_t>> parts{part(0, cut, true), part(cut, payload, false)};
    const uint8_t bits = in_.octet();
    if ((bits & 1) != 0) std::swap(parts[0], parts[1]);
    if ((bits & 2) != 0) parts.push_back(parts[0]);
    if ((bits & 4) != 0) parts.erase(parts.begin());
    if ((bits & 8) != 0) ++id_;
    host_.receives(parts);
    if (!holds_) hears();
  }

  void call() {
    auto& stack = host_.stack;
    const Instant now = host_.now;
    const uint32_t n = 1U + in_.octet() * 16U;
    const auto some = std::span<const uint8_t>(text_).first(n);
    std::vector<uint8_t> room(n);
    switch (in_.below(14)) {
      case 0: (void)stack.command(tcp::Send{.connection = handle_, .bytes = some}, now); break;
      case 1:
        (void)stack.command(tcp::Send{.connection = handle_, .bytes = some, .urgent = true}, now);
        break;
      case 2:
        (void)stack.command(tcp::Send{.connection = handle_, .bytes = some, .more = true}, now);
        break;
      case 3:
        if (stack.command(tcp::SendBorrowed{handle_, some, n}, now)) host_.lends();
        break;
      case 4: (void)stack.command(tcp::Receive{.connection = handle_, .into = room}, now); break;
      case 5: {
        const size_t there = stack.readable(handle_).size();
        (void)stack.command(tcp::Consume{handle_, ByteCount{there / 2}}, now);
        break;
      }
      case 6: (void)stack.command(tcp::ShutdownWrite{handle_}, now); break;
      case 7: (void)stack.command(tcp::Close{handle_}, now); break;
      case 8: (void)stack.command(tcp::Abort{handle_}, now); break;
      case 9: options(); break;
      case 10: (void)stack.command(tcp::CloseListener{listener_}, now); break;
      case 11: (void)stack.command(tcp::GetStatus{handle_}, now); break;
      case 12: opens_another(); break;
      default: {
        tcp::Listen l;
        l.port = kOurPort;
        l.backlog = 1;
        if (const auto r = stack.command(l, now)) listener_ = *r;
      }
    }
    if (!holds_) hears();
  }

  void options() {
    tcp::ConnectionOptions o = host_.stack.config().tcp.defaults;
    const uint8_t bits = in_.octet();
    o.no_delay = (bits & 1) != 0;
    o.cork = (bits & 2) != 0;
    o.quick_ack = (bits & 4) != 0;
    o.keep_alive = (bits & 8) != 0;
    o.keep_alive_octet = (bits & 16) != 0;
    o.linger = (bits & 32) != 0;
    o.linger_time = (bits & 64) != 0 ? 2_s : 0_s;
    o.keep_alive_idle = 1_s;
    if ((bits & 128) != 0) o.user_timeout = 1_s * (1 + in_.octet());
    (void)host_.stack.command(tcp::SetOptions{handle_, o}, host_.now);
  }

  void opens_another() {
    const auto port = static_cast<uint16_t>(kPeerPort + in_.below(4));
    const auto r = host_.stack.command(
        tcp::Connect{.remote = {peer_, port}, .local_address = {}, .local_port = kOurPort},
        host_.now);
    if (r) host_.owns(handle_ = *r);
  }

  void time() {
    constexpr std::array kSteps{1_ms, 40_ms, 200_ms, 500_ms, 1_s, 3_s, 60_s, 130_s};
    const Instant end = host_.now + kSteps.at(in_.below(8));
    for (uint32_t turns = 0; host_.passes(end); ++turns) {
      ASSERT(turns < kMostTurns);
      if (!holds_) hears();
    }
  }

  void step() {
    switch (in_.below(16)) {
      case 0:
      case 1:
      case 2: call(); break;
      case 3:
      case 4: time(); break;
      case 5: icmp(); break;
      case 6: fragments(); break;
      case 7:  // the driver is slow, or frames are used up
        if (in_.chance()) {
          holds_ = !holds_;
        } else if (in_.chance()) {
          host_.takes_frames();
        } else {
          host_.gives_frames();
        }
        break;
      default: burst();
    }
  }

  Input& in_;
  bool v6_;
  IpAddress own_, peer_;
  Host host_;
  std::vector<uint8_t> text_;
  Handle handle_, listener_;
  Seq irs_, expected_, nxt_;  // nxt_: behind all that the stack has sent
  bool timestamps_ = true, sack_ = true, scaled_ = true;
  uint32_t tsval_ = 1000, tsecr_ = 0;
  std::vector<uint8_t> last_;
  uint32_t resets_ = 0;
  uint16_t id_ = 1;
  bool all_resets_ = true;
  bool holds_ = false;  // nobody takes frames
};

}  // namespace
}  // namespace rapport::fuzz

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  rapport::fuzz::Input in({data, size});
  rapport::fuzz::Play(in).runs();
  return 0;
}
