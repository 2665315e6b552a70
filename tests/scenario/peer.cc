// Peer on the wire: feeding segments, collecting what the stack says, comparing it with what it
// should say.
#include "peer.hh"

#include "rapport/base/address.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/ipv6.hh"
#include "rapport/wire/tcp.hh"
#include "registry.hh"
#include "words.hh"
#include "world.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::scenario {

namespace {

constexpr IpAddress kOurAddress = IpAddress::v4(10, 0, 0, 1);
constexpr IpAddress kPeerAddress = IpAddress::v4(10, 0, 0, 2);
constexpr size_t kHeadroom = 64;
constexpr uint32_t kPrivatePorts = 40000;
constexpr uint16_t kFirstPrivatePort = 2000;

With dressed(With with) {
  const bool full = dressing() != Dressing::Plain;
  if (!with.mss) with.mss = uint16_t{1460};
  if (!with.window_scale) with.window_scale = full;
  if (!with.sack) with.sack = full;
  if (!with.timestamps) with.timestamps = full;
  return with;
}

struct Ip {
  Peer::IpFields fields;
  std::span<const uint8_t> payload;
};

// A packet of TCP, of either family.
std::optional<Ip> read_ip(std::span<const uint8_t> bytes) {
  if (const auto ip = wire::parse_ipv4(bytes); ip && ip->protocol == wire::kProtocolTcp) {
    return Ip{{ip->source, ip->destination, ip->ttl, ip->dscp, ip->ecn}, ip->payload};
  }
  if (const auto ip = wire::parse_ipv6(bytes); ip && ip->next_header == wire::kProtocolTcp) {
    return Ip{{ip->source, ip->destination, ip->hop_limit, ip->dscp, ip->ecn}, ip->payload};
  }
  return std::nullopt;
}

}  // namespace

Peer::World::World(const With& w, uint64_t seed) : with(dressed(w)), random(seed) {
  config.interfaces[0].addresses = {Cidr{kOurAddress, 24}};
  config.tcp.seed = random.next();
  // Small tables: what a story needs, and quick to make.
  config.tcp.max_connections = 64;
  config.tcp.max_half_open = 64;
  config.tcp.max_time_wait = 64;
  config.tcp.max_listeners = 16;
  config.tcp.max_transfers = 64;
  config.tcp.max_extras = 64;
  config.tcp.max_blocks = 1024;
  config.tcp.max_pieces = 4096;
  config.release = [](void* tokens, uint64_t token) {
    static_cast<std::vector<uint64_t>*>(tokens)->push_back(token);
  };
  config.release_context = &released;
  if (with.config) with.config(config);
  if (with.options) with.options(config.tcp.defaults);
  for (Interface& i : config.interfaces) {
    if (dressing() == Dressing::Ipv6) i.mtu += 20;  // so that the MSS is what it is in IPv4
    for (Cidr& own : i.addresses) {
      own.address = here(own.address);
      if (!own.address.is_v4()) own.prefix = 64;
    }
  }
  // A whole tick, so that timers of both grains fire at their very instants.
  start = Instant{static_cast<int64_t>(random.below(3'600'000)) * 1'000'000};
  now = start;
  window = with.window;
  ts_base = random.next32();
  builds_stack();
}

void Peer::World::builds_stack() {
  stack = std::make_unique<stack::Stack>(config, frames_of_stack);
  counters_before = stack->counters();
}

Peer::Peer(const With& with) : w_(std::make_unique<World>(with, story_seed())) {
  local = {here(kOurAddress),
           static_cast<uint16_t>(kFirstPrivatePort + w_->random.below(kPrivatePorts))};
  remote = {here(kPeerAddress),
            static_cast<uint16_t>(kFirstPrivatePort + w_->random.below(kPrivatePorts))};
  irs = Seq{w_->random.next32()};
  if (dressing() == Dressing::NearWrap) {
    irs = Seq{0U - 1U - w_->random.below(3)};
    place_iss_near_wrap();
  }
  w_->rcv_nxt = irs;
}

Peer::Peer(Peer&&) noexcept = default;

Peer::~Peer() {
  if (w_ == nullptr || w_->over || w_->said.empty()) return;
  ADD_FAILURE() << "at the end of the story the stack had said something that nobody expected\n"
                << story();
}

// The ISS is a clock of 4 us plus a hash of the tuple (RFC 9293 3.4.1): a rehearsal in another
// world tells the hash, and the story then starts when the sum is just before 2^32. Of the peer's
// ports one is taken with which that is a whole millisecond away.
void Peer::place_iss_near_wrap() {
  constexpr uint32_t steps_per_ms = 250;
  constexpr uint16_t tries = 4000;
  With plain;
  plain.timestamps = false;
  plain.backlog = tries;
  plain.config = [](stack::Config& c) { c.tcp.max_half_open = tries; };
  World rehearsal(plain, story_seed());
  rehearsal.config.tcp.seed = w_->config.tcp.seed;
  rehearsal.builds_stack();
  tcp::Listen listen;
  listen.port = local.port;
  listen.backlog = tries;
  if (!rehearsal.stack->command(listen, w_->now)) return;
  const uint32_t wanted = 0U - 1U - w_->random.below(3);
  for (uint16_t i = 0; i < tries; ++i) {
    const uint32_t way = wanted - rehearsal.iss_towards(remote, local, w_->now).v;
    if (way % steps_per_ms == 0) {
      w_->start += 4_us * way;
      w_->now = w_->start;
      return;
    }
    ++remote.port;
  }
}

Seq Peer::World::iss_towards(const Endpoint& from, const Endpoint& to, Instant at) {
  const auto packet = build(syn().seq(Seq{1}).win(65535).from(from).to(to), {});
  std::vector<Frame> burst;
  burst.push_back(frames_of_peer.allocate(kHeadroom));
  burst.back().reshape(kHeadroom, packet.size());
  std::ranges::copy(packet, burst.back().data());
  stack->receive(burst, at);
  const Frame answer = stack->next_frame();
  if (!answer) return {};
  const auto ip = read_ip(answer.bytes());
  if (!ip) return {};
  const auto s = wire::parse_tcp(ip->payload, ip->fields.source, ip->fields.destination,
                                 wire::Checksum::Verify);
  return s ? s->seq : Seq{};
}

// --- the wire ---------------------------------------------------------------------------------

Seg Peer::syn_of_peer() const {
  Seg s = syn().seq(irs).win(static_cast<uint16_t>(std::min<uint32_t>(w_->window, 65535)));
  const auto& with = w_->with;
  if (with.mss.value_or(0) != 0) s.mss(with.mss.value_or(0));
  if (w_->peer_offers_scale()) s.ws(World::kShift);
  if (with.sack.value_or(false)) s.sackp();
  if (w_->peer_offers_timestamps()) s.ts(tsval_now(), w_->ts_of_stack);
  return s;
}

Seg Peer::filled_in(const Seg& s) const {
  Seg f = s;
  if (!f.seq_) f.seq(rcv_nxt());
  if (!f.ack_ && f.flags_.has(wire::kAck)) f.ack_ = snd_nxt();
  if (!f.from_) f.from(remote);
  if (!f.to_) f.to(local);
  const bool is_syn = f.flags_.has(wire::kSyn);
  if (!f.window_) {
    f.win(is_syn ? static_cast<uint16_t>(std::min<uint32_t>(w_->window, 65535))
                 : window_field(w_->window));
  }
  const bool speaks = is_syn ? w_->peer_offers_timestamps() : timestamps_agreed();
  if (speaks && !f.flags_.has(wire::kRst) && !f.ts_.mentioned && !f.raw_options_) {
    const bool ours_is_known = f.flags_.has(wire::kAck);
    f.ts(tsval_now(), ours_is_known ? w_->ts_of_stack : 0);
  }
  return f;
}

Peer& Peer::hears(const Seg& s, At at) {
  return hears_burst({s}, at);
}

Peer& Peer::hears_burst(const std::vector<Seg>& all, At at) {
  expects_silence("heard the next", at);
  feeds(all, at);
  return *this;
}

std::vector<uint8_t> Peer::text_of(const Seg& s) const {
  std::vector<uint8_t> text(s.length_.value_or(0));
  // The stream begins behind the SYN.
  const uint32_t offset = (s.seq_.value_or(irs) - irs).v - (s.flags_.has(wire::kSyn) ? 0U : 1U);
  for (uint32_t i = 0; i < text.size(); ++i) {
    text[i] = s.fill_.value_or(octet_at(offset + i));
  }
  return text;
}

std::string Peer::told_in_words(const Seg& s, std::span<const uint8_t> packet) const {
  if (s.wrong_checksum_) return "a segment with a wrong checksum";
  const auto parsed =
      wire::parse_tcp(packet.subspan(local.address.is_v4() ? wire::kIpv4Header : wire::kIpv6Header),
                      {}, {}, wire::Checksum::AlreadyVerified);
  if (!parsed) return "a damaged segment";
  std::string words = in_words(*parsed, irs, w_->iss_known ? iss : Seq{});
  const Endpoint from = s.from_.value_or(remote);
  const Endpoint to = s.to_.value_or(local);
  if (from != remote) words += " from " + to_string(from);
  if (to != local) words += " to " + to_string(to);
  return words;
}

void Peer::feeds(const std::vector<Seg>& all, At at) {
  std::vector<Frame> burst;
  bool reset_only = true;
  for (const auto& s : all) {
    const Seg f = filled_in(s);
    const auto packet = build(f, text_of(f));
    tells("peer   " + told_in_words(f, packet) + (all.size() > 1 ? " (burst)" : ""));
    notes_acknowledged(f);
    reset_only = reset_only && f.flags_.has(wire::kRst);
    burst.push_back(frame_of(packet, at));
  }
  const size_t had = w_->said.size();
  arrives(burst, at);
  for (size_t i = had; reset_only && i < w_->said.size(); ++i) {
    if (w_->said[i].segment.flags.has(wire::kRst)) fails("a RST was answered with a RST", at);
  }
}

Frame Peer::frame_of(const std::vector<uint8_t>& packet, At at) {
  Frame frame = w_->frames_of_peer.allocate(kHeadroom);
  if (!frame) fails("the peer has no frame left: the stack kept them", at);
  frame.reshape(kHeadroom, packet.size());
  std::ranges::copy(packet, frame.data());
  return frame;
}

void Peer::arrives(std::vector<Frame>& burst, At at) {
  w_->counters_before = w_->stack->counters();
  w_->stack->receive(burst, w_->now);
  for (const auto& frame : burst) {
    if (frame) fails("a frame of the burst was not consumed", at);
  }
  collects(at);
}

Peer& Peer::hears_echo(At at) {
  expects_silence("heard itself", at);
  tells("echo   of the last");
  std::vector<Frame> burst;
  burst.push_back(frame_of(w_->heard.bytes, at));
  arrives(burst, at);
  return *this;
}

void Peer::collects(At at) {
  while (const Frame frame = w_->stack->next_frame()) {
    Said said;
    said.at = w_->now;
    said.bytes.assign(frame.bytes().begin(), frame.bytes().end());
    const auto ip = read_ip(said.bytes);
    if (!ip) fails("the stack sent a packet that is no TCP over IP", at);
    const auto segment = wire::parse_tcp(ip->payload, ip->fields.source, ip->fields.destination,
                                         wire::Checksum::Verify);
    if (!segment) fails("the stack sent a malformed segment", at);
    said.ip = ip->fields;
    said.segment = *segment;
    notes(said, at);
    w_->said.push_back(std::move(said));
  }
  tcp::Occurrence o;
  while (w_->stack->next_event(o)) w_->told.push_back(o);
  const auto broken = w_->stack->audit();
  if (!broken.empty()) fails("broken invariant: " + std::string(broken), at);
}

void Peer::notes(Said& said, At at) {
  const auto& s = said.segment;
  const bool main_tuple = said.ip.source == local.address && s.source_port == local.port
                          && said.ip.destination == remote.address
                          && s.destination_port == remote.port;
  if (main_tuple && s.flags.has(wire::kSyn)) notes_syn(s);
  tells("stack  " + in_words(s, w_->iss_known ? iss : Seq{}, irs)
        + (main_tuple ? "" : " (another tuple)"));
  if (!main_tuple || s.flags.has(wire::kRst)) return;
  checks_text(s, at);
  w_->snd_nxt = later(w_->snd_nxt, s.seq + s.length());
  if (s.options.has_timestamps) w_->ts_of_stack = s.options.tsval;
  if (!s.flags.has(wire::kAck)) return;
  if (!w_->acked || after_or_same(s.ack)) w_->rcv_nxt = s.ack;
  w_->acked = true;
  const bool scaled = !s.flags.has(wire::kSyn) && w_->our_scale && w_->peer_offers_scale();
  w_->rcv_wnd = ByteCount{uint64_t{s.window} << (scaled ? w_->our_shift : 0)};
}

void Peer::notes_acknowledged(const Seg& s) {
  if (!s.flags_.has(wire::kAck) || s.flags_.has(wire::kRst) || s.wrong_checksum_) return;
  if (s.from_.value_or(remote) != remote || s.to_.value_or(local) != local) return;
  const Seq number = s.ack_.value_or(w_->snd_una);
  if (before(w_->snd_una, number) && at_or_before(number, w_->snd_nxt)) w_->snd_una = number;
}

void Peer::notes_syn(const wire::Segment& s) {
  if (!w_->iss_known) w_->snd_una = w_->snd_nxt = s.seq;
  iss = s.seq;
  w_->iss_known = true;
  w_->our_scale = s.options.has_window_scale;
  w_->our_shift = s.options.window_scale;
  w_->our_timestamps = s.options.has_timestamps;
  w_->our_sack = s.options.sack_permitted;
}

void Peer::checks_text(const wire::Segment& s, At at) {
  // A keep-alive probe may carry one octet of nothing at SND.NXT - 1 (MAY-6).
  const bool may_be_garbage = w_->config.tcp.defaults.keep_alive_octet;
  if (may_be_garbage && s.text.size() == 1 && s.seq + 1_B == w_->snd_nxt) return;
  const uint32_t first = (s.seq - (iss + 1_B)).v;
  for (uint32_t i = 0; i < s.text.size(); ++i) {
    if (first + i >= w_->sent) fails("the stack sent text that it was never given", at);
    if (s.text[i] != octet_at(first + i)) fails("the text sent is not the text given", at);
  }
}

Peer& Peer::says(const Seg& wanted, At at) {
  if (w_->said.empty())
    fails("should have said " + in_words(wanted.flags_) + ", but said nothing", at);
  w_->heard = std::move(w_->said.front());
  w_->said.pop_front();
  const auto& got = w_->heard;
  auto wrong = differences(wanted, got.segment);
  const Endpoint from{got.ip.source, got.segment.source_port};
  const Endpoint to{got.ip.destination, got.segment.destination_port};
  if (from != wanted.from_.value_or(local)) wrong.emplace_back("it comes from " + to_string(from));
  if (to != wanted.to_.value_or(remote)) wrong.emplace_back("it goes to " + to_string(to));
  if (wrong.empty()) return *this;
  std::string all = "said " + in_words(got.segment, w_->iss_known ? iss : Seq{}, irs) + ":";
  for (const auto& one : wrong) all += "\n  " + one;
  fails(all, at);
}

Peer& Peer::says_nothing(At at) {
  if (!w_->said.empty()) {
    fails("should have said nothing, but said "
              + in_words(w_->said.front().segment, w_->iss_known ? iss : Seq{}, irs),
          at);
  }
  return *this;
}

Peer& Peer::may_have_said_anything() {
  w_->said.clear();
  return *this;
}

bool Peer::has_more_to_say() const {
  return !w_->said.empty();
}

const wire::Segment& Peer::heard() const {
  return w_->heard.segment;
}

const Peer::IpFields& Peer::heard_ip() const {
  return w_->heard.ip;
}

void Peer::expects_silence(const char* before, At at) {
  if (w_->said.empty()) return;
  fails(std::string("before it ") + before + " the stack had said something that nobody expected: "
            + in_words(w_->said.front().segment, w_->iss_known ? iss : Seq{}, irs),
        at);
}

}  // namespace rapport::scenario
