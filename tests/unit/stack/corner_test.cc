// Corners that few paths reach: a round trip within one tick, children that end with their
// listener, TIME-WAITs that a newer SYN has suspended, windows that cannot be told exactly, a
// connection that finds no frame for its first SYN.
#include "rapport/base/address.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/checksum.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/options.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <span>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::test {
namespace {

constexpr Endpoint kOurs{IpAddress::v4(10, 0, 0, 1), 80};
constexpr Seq kIrs{1000};

stack::Config small(uint32_t time_waits) {
  stack::Config c;
  c.interfaces[0].addresses = {Cidr{kOurs.address, 24}};
  c.tcp.max_connections = c.tcp.max_half_open = c.tcp.max_transfers = c.tcp.max_extras = 8;
  c.tcp.max_time_wait = time_waits;
  c.tcp.max_blocks = c.tcp.max_pieces = 4096;
  return c;
}

// One stack and a peer that is told each segment.
struct Corner {
  explicit Corner(uint32_t time_waits = 8, uint32_t buffers = 256)
      : pool(buffers, 2048), s(small(time_waits), pool) {}

  void hears(wire::Flags flags, Seq seq, Seq ack, size_t text = 0,
             const wire::Options* o = nullptr) {
    Frame f = peer_pool.allocate(0);
    const size_t header = wire::kTcpHeader + (o == nullptr ? 0U : wire::option_length(*o));
    const std::vector<uint8_t> octets(text, 1);
    f.reshape(0, wire::kIpv4Header + header + text);
    wire::Ipv4 ip;
    ip.source = peer.address;
    ip.destination = kOurs.address;
    ip.protocol = wire::kProtocolTcp;
    wire::build_ipv4(f.data(), ip, static_cast<uint16_t>(header + text));
    uint8_t* const tcp = f.data() + wire::kIpv4Header;
    std::ranges::copy(octets, tcp + header);
    wire::SegmentHead head;
    head.source_port = peer.port;
    head.destination_port = kOurs.port;
    head.seq = seq;
    head.ack = ack;
    head.flags = flags;
    head.window = 65535;
    head.options = o;
    wire::build_tcp(tcp, head, peer.address, kOurs.address,
                    {.length = static_cast<uint32_t>(text), .sum = wire::sum(octets)});
    s.receive({&f, 1}, now);
  }

  // What the stack says; the last segment is returned.
  wire::Segment says() {
    wire::Segment last;
    while (const Frame f = s.next_frame()) {
      const auto ip = wire::parse_ipv4(f.bytes());
      const auto seg =
          wire::parse_tcp(ip->payload, ip->source, ip->destination, wire::Checksum::Verify);
      EXPECT_TRUE(seg);
      last = *seg;
      last.text = {};
    }
    return last;
  }

  void listens() {
    const tcp::Listen l{.local_address = {}, .port = kOurs.port, .remote = {}, .backlog = 8};
    listener = *s.command(l, now);
  }

  // A passive handshake without timestamps; the third segment comes `after` the second.
  Seq opens(Duration after, bool scale = false) {
    wire::Options o;
    o.has_mss = true;
    o.mss = 1460;
    o.has_window_scale = scale;
    o.window_scale = 7;
    hears(wire::kSyn, kIrs, Seq{0}, 0, &o);
    const Seq iss = says().seq;
    now += after;
    hears(wire::kAck, kIrs + 1_B, iss + 1_B);
    (void)says();
    return iss;
  }

  Handle accepts() { return *s.command(tcp::Accept{listener}, now); }

  // Our side closes, then the peer: the handle is kept in TIME-WAIT.
  void parts(Handle h, Seq iss) {
    ASSERT_TRUE(s.command(tcp::ShutdownWrite{h}, now).has_value());
    (void)says();
    hears(wire::kAck | wire::kFin, kIrs + 1_B, iss + 2_B);
    (void)says();
    ASSERT_EQ(s.command(tcp::GetStatus{h}, now)->state, tcp::State::TimeWait);
  }

  void newer_syn() {
    wire::Options o;
    o.has_mss = true;
    o.mss = 1460;
    hears(wire::kSyn, kIrs + 100'000_B, Seq{0}, 0, &o);
    (void)says();
    ASSERT_EQ(s.counters().time_wait_reused, 1U);
  }

  FramePool pool;
  FramePool peer_pool{8, 2048};
  stack::Stack s;
  Instant now{1'000'000'000};
  Endpoint peer{IpAddress::v4(10, 0, 0, 2), 4000};
  Handle listener;
};

TEST(Corner, ARoundTripWithinATickIsShort_R6298_2) {
  Corner c;
  c.now += 500_us;  // between two ticks: the retransmission of SYN,ACK is due at a whole one
  c.listens();
  (void)c.opens(300_us);
  const auto status = c.s.command(tcp::GetStatus{c.accepts()}, c.now);
  EXPECT_LE(status->srtt, 1_ms);
  EXPECT_LE(status->rto, 1_s);
}

TEST(Corner, AChildThatWasResetGoesWithItsListener) {
  Corner c;
  c.listens();
  (void)c.opens(1_ms);
  c.hears(wire::kRst, kIrs + 1_B, Seq{0});
  EXPECT_TRUE(c.s.command(tcp::CloseListener{c.listener}, c.now).has_value());
  (void)c.says();
  EXPECT_EQ(c.s.population().connections, 0U);
  EXPECT_EQ(c.s.state_of(kOurs, c.peer), tcp::State::Closed);
  c.hears(wire::kAck, kIrs + 1_B, Seq{77});
  EXPECT_TRUE(c.says().flags.any(wire::kRst));
  EXPECT_TRUE(c.s.audit().empty()) << c.s.audit();
}

TEST(Corner, AbortOfATimeWaitThatANewerSynSuspends_R6191_1) {
  Corner c;
  c.listens();
  const Seq iss = c.opens(1_ms);
  const Handle h = c.accepts();
  c.parts(h, iss);
  c.newer_syn();
  EXPECT_TRUE(c.s.command(tcp::Abort{h}, c.now).has_value());
  (void)c.says();
  EXPECT_EQ(c.s.population().half_open, 1U);
  EXPECT_TRUE(c.s.audit().empty()) << c.s.audit();
}

TEST(Corner, EveryTimeWaitSuspendedAndYetAnotherOne) {
  Corner c(1);
  c.listens();
  const Seq iss = c.opens(1_ms);
  c.parts(c.accepts(), iss);
  c.newer_syn();
  c.peer.port = 4001;
  const Seq second = c.opens(1_ms);
  c.parts(c.accepts(), second);
  EXPECT_EQ(c.s.population().half_open, 1U);
  EXPECT_TRUE(c.s.audit().empty()) << c.s.audit();
}

TEST(Corner, RoundingUpNeverOffersMoreThanTheBuffer_SHLD_14) {
  Corner c;
  c.listens();
  const Seq iss = c.opens(1_ms, true);
  const Handle h = c.accepts();
  const auto status = [&] { return *c.s.command(tcp::GetStatus{h}, c.now); };
  for (int i = 0; i < 20'000; ++i) {
    const tcp::Status now = status();
    if (now.rcv_wnd == 0_B) break;
    const size_t most = now.rcv_wnd.v > 3000 ? 1460 : now.rcv_wnd.v > 100 ? 93 : 7;
    c.hears(wire::kAck, now.rcv_nxt, iss + 1_B, std::min<size_t>(most, now.rcv_wnd.v));
    (void)c.says();
    c.now += 50_ms;
    c.s.expire(c.now);
    (void)c.says();
  }
  const tcp::Status full = status();
  EXPECT_LE(full.receive_queue,
            full.options.receive_buffer + ByteCount{uint64_t{1} << full.rcv_shift});
}

TEST(Corner, AConnectionThatFindsNoFrameGetsItsWholeTime_MUST_23) {
  Corner c(8, 1);
  c.now = Instant{1'000'000'000'000};  // long after the world began
  Frame held = c.pool.allocate(0);
  const tcp::Connect call{.remote = {IpAddress::v4(10, 0, 0, 9), 80}, .local_address = {}};
  const Handle h = *c.s.command(call, c.now);
  EXPECT_FALSE(c.s.next_frame());
  EXPECT_GE(c.s.next_deadline(), c.now);
  held.reset();
  while (c.s.next_deadline() <= c.now + 10_s) {
    c.now = std::max(c.now, c.s.next_deadline());
    c.s.expire(c.now);
    if (c.says().flags.any(wire::kSyn)) break;
  }
  EXPECT_EQ(c.s.command(tcp::GetStatus{h}, c.now)->state, tcp::State::SynSent);
  EXPECT_EQ(
      c.s.command(tcp::GetStatus{h}, c.now)->snd_nxt - c.s.command(tcp::GetStatus{h}, c.now)->iss,
      1_B);
}

}  // namespace
}  // namespace rapport::test
