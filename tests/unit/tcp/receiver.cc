// The peer's side of Receiver.
#include "receiver.hh"

#include "rapport/base/address.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/seq.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/wire/checksum.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/options.hh"
#include "rapport/wire/tcp.hh"

#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

namespace rapport::test {

namespace {

stack::Config config_for(uint32_t window) {
  stack::Config c;
  c.interfaces[0].addresses = {Cidr{IpAddress::v4(10, 0, 0, 1), 24}};
  c.tcp.defaults.receive_buffer = ByteCount{window};
  c.tcp.max_connections = c.tcp.max_half_open = c.tcp.max_time_wait = 8;
  c.tcp.max_transfers = c.tcp.max_extras = 8;
  c.tcp.max_blocks = c.tcp.max_pieces = 64;
  return c;
}

}  // namespace

Receiver::Receiver(uint32_t window, bool wraps)
    : pool_(64, 2048),
      peer_pool_(8, 2048),
      stack_(config_for(window), pool_),
      ours_{IpAddress::v4(10, 0, 0, 1), 80},
      peer_{IpAddress::v4(10, 0, 0, 2), 4000},
      irs_{wraps ? 0xffff'ff00U : 1000U} {
  const auto listener =
      stack_.command(tcp::Listen{.local_address = {}, .port = 80, .remote = {}}, now_);
  wire::Options o;
  o.has_mss = true;
  o.mss = 1460;
  o.sack_permitted = true;
  feed(wire::kSyn, irs_, Seq{0}, {}, &o);
  Frame f = stack_.next_frame();
  const auto ip = wire::parse_ipv4(std::as_const(f).bytes());
  const auto seg =
      wire::parse_tcp(ip->payload, ip->source, ip->destination, wire::Checksum::Verify);
  iss_ = seg->seq;
  feed(wire::kAck, irs_ + 1_B, iss_ + 1_B, {}, nullptr);
  (void)collect();
  handle_ = *stack_.command(tcp::Accept{*listener}, now_);
}

void Receiver::feed(wire::Flags flags, Seq seq, Seq ack, std::vector<uint8_t> text,
                    const wire::Options* o) {
  Frame f = peer_pool_.allocate(0);
  const uint32_t header = 20 + (o == nullptr ? 0 : wire::option_length(*o));
  f.reshape(0, wire::kIpv4Header + header + text.size());
  wire::Ipv4 ip;
  ip.source = peer_.address;
  ip.destination = ours_.address;
  ip.protocol = wire::kProtocolTcp;
  wire::build_ipv4(f.data(), ip, static_cast<uint16_t>(header + text.size()));
  if (!text.empty()) std::memcpy(f.data() + wire::kIpv4Header + header, text.data(), text.size());
  const wire::SegmentHead head{peer_.port, ours_.port, seq, ack, flags, 65535, 0, o};
  wire::build_tcp(f.data() + wire::kIpv4Header, head, peer_.address, ours_.address,
                  {static_cast<uint32_t>(text.size()), wire::sum(text)});
  stack_.receive({&f, 1}, now_);
}

std::vector<Answer> Receiver::collect() {
  std::vector<Answer> all;
  while (Frame f = stack_.next_frame()) {
    const auto ip = wire::parse_ipv4(std::as_const(f).bytes());
    const auto seg =
        wire::parse_tcp(ip->payload, ip->source, ip->destination, wire::Checksum::Verify);
    Answer a{(seg->ack - irs_).v - 1, {}};
    for (int i = 0; i < seg->options.sack_count; ++i) {
      const auto& b = seg->options.sack[static_cast<size_t>(i)];
      a.blocks.push_back({(b.left - irs_).v - 1, (b.right - irs_).v - 1});
    }
    all.push_back(a);
  }
  return all;
}

std::vector<Answer> Receiver::hears(Stretch text) {
  std::vector<uint8_t> octets(text.right - text.left);
  for (uint32_t i = 0; i < octets.size(); ++i) octets[i] = content(text.left + i);
  feed(wire::kAck, irs_ + 1_B + ByteCount{text.left}, iss_ + 1_B, octets, nullptr);
  auto said = collect();
  if (!said.empty()) return said;
  now_ = stack_.next_deadline();
  stack_.expire(now_);
  return collect();
}

std::optional<uint32_t> Receiver::reads_all() {
  uint8_t buffer[4096];
  while (true) {
    const auto n = stack_.command(tcp::Receive{handle_, buffer}, now_);
    if (!n) return read_;
    for (uint32_t i = 0; i < n->v; ++i) {
      if (buffer[i] != content(read_ + i)) return std::nullopt;
    }
    read_ += n->v;
  }
}

}  // namespace rapport::test
