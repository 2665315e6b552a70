// Building, comparing and describing the segments of words.hh.
#include "words.hh"

#include "rapport/base/address.hh"
#include "rapport/base/seq.hh"
#include "rapport/wire/bytes.hh"
#include "rapport/wire/checksum.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/ipv6.hh"
#include "rapport/wire/options.hh"
#include "rapport/wire/tcp.hh"
#include "registry.hh"

#include <cstdint>
#include <cstring>
#include <optional>
#include <sstream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace rapport::scenario {

namespace {

constexpr size_t kChecksumAt = 16;
constexpr size_t kDataOffsetAt = 12;

wire::Flags without(wire::Flags f, wire::Flags bits) {
  return {static_cast<uint8_t>(f.v & ~bits.v)};
}

// The checksum again, over what was changed by hand.
void sum_again(std::vector<uint8_t>& tcp, const Endpoint& from, const Endpoint& to) {
  wire::store16(tcp.data() + kChecksumAt, 0);
  const auto whole = wire::sum(tcp)
                     + wire::pseudo_header(from.address, to.address, wire::kProtocolTcp,
                                           static_cast<uint32_t>(tcp.size()));
  const uint16_t folded = wire::finish(whole);
  std::memcpy(tcp.data() + kChecksumAt, &folded, 2);
}

class Compare {
 public:
  template <class T>
  void equal(const char* what, const T& wanted, const T& got) {
    if (wanted == got) return;
    std::ostringstream s;
    s << what << " should be " << wanted << " but is " << got;
    found_.push_back(s.str());
  }

  template <class T>
  void option(const char* what, const Wish<T>& wanted, bool present, const T& got) {
    if (!wanted.mentioned) return;
    if (wanted.absent && present) found_.push_back(std::string(what) + " should be absent");
    if (!wanted.absent && !present) found_.push_back(std::string(what) + " is missing");
    if (present && wanted.value && *wanted.value != got) {
      found_.push_back(std::string(what) + " has another value");
    }
  }

  std::vector<std::string> take() { return std::move(found_); }

 private:
  std::vector<std::string> found_;
};

void describe_options(std::ostringstream& s, const wire::Segment& seg, Seq ack_base) {
  const auto& o = seg.options;
  if (o.has_mss) s << " mss " << o.mss;
  if (o.sack_permitted) s << " sackOK";
  if (o.has_timestamps) s << " ts " << o.tsval << '/' << o.tsecr;
  if (o.has_window_scale) s << " wscale " << int{o.window_scale};
  for (int i = 0; i < o.sack_count; ++i) {
    const auto& b = o.sack[static_cast<size_t>(i)];
    s << " sack [" << (b.left - ack_base).v << ',' << (b.right - ack_base).v << ')';
  }
}

}  // namespace

Seg& Seg::ack(Seq a) {
  ack_ = a;
  return with(wire::kAck);
}

Seg& Seg::no_ack() {
  ack_.reset();
  flags_ = without(flags_, wire::kAck);
  return *this;
}

Seg& Seg::psh() {
  psh_mentioned_ = true;
  return with(wire::kPsh);
}

Seg& Seg::no_psh() {
  psh_mentioned_ = true;
  flags_ = without(flags_, wire::kPsh);
  return *this;
}

Seg& Seg::urg(uint16_t pointer) {
  urgent_ = pointer;
  return with(wire::kUrg);
}

Seg& Seg::flags(wire::Flags exactly) {
  flags_ = exactly;
  return *this;
}

Seg& Seg::wrong_checksum() {
  wrong_checksum_ = true;
  return *this;
}

Seg none() {
  return {};
}

Seg syn() {
  return Seg{}.syn();
}

Seg rst() {
  return Seg{}.rst();
}

Seg ack() {
  return Seg{}.flags(wire::kAck);
}

Seg ack(Seq number) {
  return Seg{}.ack(number);
}

Seg fin() {
  return Seg{}.flags(wire::kFin | wire::kAck);
}

Seg data(ByteCount length) {
  return Seg{}.flags(wire::kAck).text(length);
}

IpAddress here(const IpAddress& a) {
  if (dressing() != Dressing::Ipv6 || !a.is_v4()) return a;
  const uint8_t first = a.octets[12];
  const uint8_t last = a.octets[15];
  IpAddress v6;
  if (first == 0) return v6;
  v6.octets[15] = last;
  if (first == 127) return v6;
  if (first >= 224 || last == 255) {
    v6.octets[0] = 0xff;
    v6.octets[1] = 0x02;
    return v6;
  }
  v6.octets = {0x20, 0x01, 0x0d, 0xb8, 0, a.octets[13], 0, a.octets[14]};
  v6.octets[15] = last;
  return v6;
}

uint16_t unsaid_mss() {
  return dressing() == Dressing::Ipv6 ? 1220 : 536;
}

namespace {

std::vector<uint8_t> with_ip_header(const std::vector<uint8_t>& tcp, const IpAddress& from,
                                    const IpAddress& to) {
  const auto length = static_cast<uint16_t>(tcp.size());
  std::vector<uint8_t> packet(to.is_v4() ? wire::kIpv4Header : wire::kIpv6Header);
  if (to.is_v4()) {
    wire::Ipv4 ip;
    ip.source = from;
    ip.destination = to;
    ip.protocol = wire::kProtocolTcp;
    wire::build_ipv4(packet.data(), ip, length);
  } else {
    wire::Ipv6 ip;
    ip.source = from;
    ip.destination = to;
    ip.next_header = wire::kProtocolTcp;
    wire::build_ipv6(packet.data(), ip, length);
  }
  packet.insert(packet.end(), tcp.begin(), tcp.end());
  return packet;
}

}  // namespace

std::vector<uint8_t> build(const Seg& s, const std::vector<uint8_t>& text) {
  wire::Options o;
  if (s.mss_.value) {
    o.has_mss = true;
    o.mss = *s.mss_.value;
  }
  if (s.scale_.value) {
    o.has_window_scale = true;
    o.window_scale = *s.scale_.value;
  }
  o.sack_permitted = s.sackp_.value.has_value();
  if (s.ts_.value) {
    o.has_timestamps = true;
    std::tie(o.tsval, o.tsecr) = *s.ts_.value;
  }
  if (s.sack_.value) {
    for (const auto& b : *s.sack_.value) o.sack[o.sack_count++] = b;
  }
  const Endpoint from = s.from_.value_or(Endpoint{});
  const Endpoint to = s.to_.value_or(Endpoint{});
  const wire::SegmentHead head{.source_port = from.port,
                               .destination_port = to.port,
                               .seq = s.seq_.value_or(Seq{}),
                               .ack = s.ack_.value_or(Seq{}),
                               .flags = s.flags_,
                               .window = s.window_.value_or(0),
                               .urgent = s.urgent_.value_or(0),
                               .options = &o};
  std::vector<uint8_t> tcp(60);
  const uint32_t header =
      wire::build_tcp(tcp.data(), head, from.address, to.address,
                      {.length = static_cast<uint32_t>(text.size()), .sum = wire::sum(text)});
  tcp.resize(header);
  if (s.raw_options_) {
    tcp.resize(wire::kTcpHeader);
    tcp.insert(tcp.end(), s.raw_options_->begin(), s.raw_options_->end());
    tcp[kDataOffsetAt] = static_cast<uint8_t>((tcp.size() / 4) << 4);
  }
  if (s.data_offset_) tcp[kDataOffsetAt] = static_cast<uint8_t>(*s.data_offset_ << 4);
  tcp[kDataOffsetAt] |= s.reserved_.value_or(0);
  tcp.insert(tcp.end(), text.begin(), text.end());
  if (s.cut_to_) tcp.resize(*s.cut_to_);
  if ((s.raw_options_ || s.data_offset_ || s.reserved_) && tcp.size() >= wire::kTcpHeader) {
    sum_again(tcp, from, to);
  }
  if (s.wrong_checksum_) tcp[kChecksumAt] ^= 0x55;

  return with_ip_header(tcp, from.address, to.address);
}

std::vector<std::string> differences(const Seg& wanted, const wire::Segment& got) {
  Compare c;
  const auto ignored = wanted.psh_mentioned_ ? wire::Flags{} : wire::kPsh;
  c.equal("flags", in_words(without(wanted.flags_, ignored)),
          in_words(without(got.flags, ignored)));
  if (wanted.seq_) c.equal("seq", wanted.seq_->v, got.seq.v);
  if (wanted.ack_) c.equal("ack", wanted.ack_->v, got.ack.v);
  c.equal("length of text", size_t{wanted.length_.value_or(0)}, got.text.size());
  if (wanted.window_) c.equal("window", *wanted.window_, got.window);
  if (wanted.urgent_) c.equal("urgent pointer", *wanted.urgent_, got.urgent);
  const auto& o = got.options;
  c.option("MSS", wanted.mss_, o.has_mss, o.mss);
  c.option("window scale", wanted.scale_, o.has_window_scale, o.window_scale);
  c.option("SACK-permitted", wanted.sackp_, o.sack_permitted, o.sack_permitted);
  c.option("timestamps", wanted.ts_, o.has_timestamps, std::pair{o.tsval, o.tsecr});
  c.option("SACK", wanted.sack_, o.sack_count > 0,
           std::vector<wire::SackBlock>(o.sack.begin(), o.sack.begin() + o.sack_count));
  return c.take();
}

std::string in_words(wire::Flags f) {
  static constexpr std::pair<wire::Flags, const char*> kNames[] = {
      {wire::kSyn, "SYN"}, {wire::kFin, "FIN"}, {wire::kRst, "RST"}, {wire::kPsh, "PSH"},
      {wire::kAck, "ACK"}, {wire::kUrg, "URG"}, {wire::kEce, "ECE"}, {wire::kCwr, "CWR"}};
  std::string s;
  for (const auto& [bit, text] : kNames) {
    if (!f.has(bit)) continue;
    if (!s.empty()) s += ',';
    s += text;
  }
  return s.empty() ? "no flags" : s;
}

std::string in_words(const wire::Segment& seg, Seq seq_base, Seq ack_base) {
  std::ostringstream s;
  s << in_words(seg.flags) << " seq " << static_cast<int32_t>((seg.seq - seq_base).v);
  if (seg.flags.has(wire::kAck)) s << " ack " << static_cast<int32_t>((seg.ack - ack_base).v);
  if (!seg.text.empty()) s << " text " << seg.text.size();
  s << " win " << seg.window;
  if (seg.flags.has(wire::kUrg)) s << " urgent " << seg.urgent;
  describe_options(s, seg, ack_base);
  return s.str();
}

}  // namespace rapport::scenario
