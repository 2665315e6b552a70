// Requirements of RFC 9293 and its relatives that belong to no row of the state tables: urgent
// text, local addresses, literal windows, what SACK may and may not be trusted with.
#include "answers.hh"
#include "scenario.hh"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace rapport::scenario {

namespace {

constexpr IpAddress kSecond = IpAddress::v4(10, 1, 0, 1);
constexpr Endpoint kBeyond{IpAddress::v4(10, 1, 0, 9), 80};

With with_two_addresses() {
  return {.config = [](stack::Config& c) { c.interfaces[0].addresses.push_back({kSecond, 24}); }};
}

// Opens towards `kBeyond` and takes what the stack says.
void opens(Peer& t, const IpAddress& from) {
  const tcp::Connect c{.remote = here(kBeyond), .local_address = from, .local_port = 5555};
  t.holds(t.stack().command(c, t.now()).has_value(), "it opens");
  t.calls_connect(tcp::Connect{}, Error::RemoteUnspecified);
}

}  // namespace

// --- urgent text --------------------------------------------------------------------------------

SCENARIO_TEST(
    "ESTABLISHED: urgent text may be longer than its pointer can say [MUST-31, MUST-62]") {
  constexpr uint32_t kLength = 200'000;
  auto t = peer::in_established();
  const Seq end = t.iss + 1_B + ByteCount{kLength};
  t.calls_send_urgent(ByteCount{kLength});
  Seq at = t.iss + 1_B;
  while (at != end) {
    if (!t.has_more_to_say()) t.hears(ack(at));
    const ByteCount left = std::min(end - at, t.largest_text());
    t.says(data(left).seq(at).urg(static_cast<uint16_t>(std::min((end - at).v, 65535U))));
    at += left;
  }
  t.says_nothing().hears(ack(end)).says_nothing();
  t.calls_send(10_B).says(data(10_B).seq(end));  // no longer urgent
}

SCENARIO_TEST("ESTABLISHED: how much urgent text is ahead can be asked [MUST-33, R6093-1]") {
  auto t = peer::in_established();
  t.holds(t.calls_status().urgent_ahead == 0_B, "none at first");
  t.hears(data(100_B).urg(60)).says(ack()).is_told(What::Urgent);
  t.holds(t.calls_status().urgent_ahead == 60_B, "sixty octets");
  t.calls_receive(20_B).holds(t.calls_status().urgent_ahead == 40_B, "forty are left");
  t.calls_receive(40_B).holds(t.calls_status().urgent_ahead == 0_B, "all is read");
  t.calls_receive(40_B);  // in the stream, in order, once
}

SCENARIO_TEST(
    "ESTABLISHED: an urgent pointer never goes back, and one far away does no harm "
    "[U-37, MUST-32]") {
  auto t = peer::in_established();
  t.hears(data(10_B).urg(60)).says(ack()).is_told(What::Urgent);
  t.hears(data(10_B).urg(5)).says(ack()).is_not_told(What::Urgent);
  t.holds(t.calls_status().urgent_ahead == 60_B, "it stays where it was");
  t.hears(data(10_B).urg(65535)).says(ack()).is_told(What::Urgent);
  t.calls_receive(30_B).calls_receive(Error::WouldBlock);
}

// --- local addresses and ports ------------------------------------------------------------------

SCENARIO_TEST(
    "SYN-SENT: unless named the local address is the one that reaches the peer "
    "[MUST-44, MUST-45]") {
  auto t = peer::in_closed(with_two_addresses());
  opens(t, {});
  t.says(syn().from({kSecond, 5555}).to(kBeyond));
  t.after(1_s).says(syn().from({kSecond, 5555}).to(kBeyond));
}

SCENARIO_TEST("SYN-SENT: a local address that is named is used [MUST-43, MUST-45]") {
  auto t = peer::in_closed(with_two_addresses());
  opens(t, t.local.address);
  t.says(syn().from({t.local.address, 5555}).to(kBeyond));
  t.after(1_s).says(syn().from({t.local.address, 5555}).to(kBeyond));
}

SCENARIO_TEST(
    "LISTEN: the answer comes from the address that the SYN was sent to "
    "[R1122-6, MUST-43]") {
  auto t = peer::in_listen(with_two_addresses());
  const Endpoint ours{kSecond, t.local.port};
  t.hears(syn().seq(Seq{7}).to(ours)).says(syn().ack(Seq{8}).from(ours));
}

SCENARIO_TEST("SYN-SENT: its port may be listened on meanwhile [MUST-42]") {
  auto t = peer::in_syn_sent();
  const Endpoint other{IpAddress::v4(10, 0, 0, 50), 1234};
  t.calls_listen().hears(syn().seq(Seq{7}).from(other)).says(syn().ack(Seq{8}).to(other));
  t.hears(completion(t, other)).says_nothing().calls_accept();
  t.holds(t.calls_status().remote == here(other), "the other host's connection is accepted");
}

// --- windows ------------------------------------------------------------------------------------

SCENARIO_TEST(
    "ESTABLISHED: windows are literal in SYN and SYN,ACK, scaled in all others "
    "[R7323-4, R7323-5]") {
  const auto large = [](tcp::ConnectionOptions& o) { o.receive_buffer = 1024_KiB; };
  auto t = peer::in_syn_sent({.window_scale = true, .window = 1024, .options = large});
  t.holds(t.heard().window == 65535 && t.heard().options.window_scale == 5, "a literal 65535");
  t.hears(t.syn_of_peer().ack(t.iss + 1_B)).says(ack());
  t.holds(t.calls_status().snd_wnd == 1024_B, "the peer's 1024 is literal too");
  t.hears(ack().win(1024)).says_nothing();
  t.holds(t.calls_status().snd_wnd == 131072_B, "and now counts 128 octets each");
  auto u = peer::in_syn_received_passive({.window_scale = true, .options = large});
  u.holds(u.heard().window == 65535, "a literal 65535");
  u.hears(ack()).says_nothing().calls_accept().calls_send(1_B).says(data(1_B));
  u.holds(u.heard().window == 32768, "2^20 in units of 32 octets");
}

SCENARIO_TEST(
    "ESTABLISHED: who never reads keeps the window closed, every probe is answered "
    "[MAY-8, U-16]") {
  auto t = peer::in_established({.window_closed = true});
  for (int i = 0; i < 50; ++i) {
    t.after(60_s).hears(data(1_B)).says(ack(t.rcv_nxt()).win(0)).says_nothing();
  }
  t.is(State::Established);
}

// --- SACK ---------------------------------------------------------------------------------------

SCENARIO_TEST(
    "ESTABLISHED: as many blocks as fit, the newest first "
    "[R2018-5, R2018-4, R2018-6]") {
  auto t = peer::in_established({.sack = true});
  const Seq next = t.rcv_nxt();
  const auto block = [next](uint32_t n) {
    return wire::SackBlock{next + 20_B * n, next + 20_B * n + 10_B};
  };
  for (uint32_t n = 1; n <= 5; ++n) {
    t.hears(data(10_B).seq(block(n).left)).says(ack(next)).says_nothing();
  }
  std::vector<wire::SackBlock> told{block(6), block(5), block(4)};
  if (!t.timestamps_agreed()) told.push_back(block(3));
  t.hears(data(10_B).seq(block(6).left)).says(ack(next).sack(told)).says_nothing();
}

SCENARIO_TEST("ESTABLISHED: each duplicate is reported once [R2883-2, R2883-1]") {
  auto t = peer::in_established({.sack = true});
  takes_text(t, 20_B);
  const Seq next = t.rcv_nxt();
  t.hears(data(10_B).seq(next - 20_B)).says(ack(next).sack({{next - 20_B, next - 10_B}}));
  t.hears(data(10_B)).says(ack(next + 10_B).no_sack());
}

SCENARIO_TEST(
    "ESTABLISHED: what SACK reports is kept, and sent again if it was given up "
    "[R2018-8, R2018-10, R2018-12]") {
  auto t = peer::in_established({.sack = true});
  const Seq una = t.iss + 1_B;
  const ByteCount full = t.largest_text();
  t.calls_send(full * 3).may_have_said_anything();
  t.hears(ack(una).sack({{una + full, una + full * 3}})).says_nothing();
  t.after_next_timer().says(data(full).seq(una)).says_nothing();
  // The peer has thrown the others away: only the first is acknowledged.
  t.hears(ack(una + full)).says(data(full).seq(una + full)).may_have_said_anything();
  t.hears(ack(una + full * 3)).says_nothing();
  t.holds(t.calls_status().send_queue == 0_B, "all is acknowledged in the end");
}

// --- the ACK bit --------------------------------------------------------------------------------

SCENARIO_TEST("every segment but the first SYN carries an ACK [U-27]") {
  auto t = peer::in_syn_sent({.options = [](tcp::ConnectionOptions& o) { o.keep_alive = true; }});
  t.holds(!t.heard().flags.has(wire::kAck), "the SYN has nothing to acknowledge");
  const auto acknowledges = [&t](const Seg& s) {
    t.says(s);
    t.holds(t.heard().flags.has(wire::kAck) && t.heard().ack == t.rcv_nxt(), "with RCV.NXT");
  };
  t.hears(t.syn_of_peer().ack(t.iss + 1_B));
  acknowledges(ack());
  t.after(7200_s);
  acknowledges(ack().seq(t.snd_nxt() - 1_B));  // keep-alive
  t.hears(ack()).calls_send(10_B);
  acknowledges(data(10_B));
  t.after_next_timer();
  acknowledges(data(10_B));
  t.hears(ack().win(0)).calls_send(10_B).after_next_timer();
  acknowledges(ack().seq(t.snd_nxt() - 1_B));  // of the window
  t.hears(ack());
  acknowledges(data(10_B));
  t.hears(ack()).calls_shutdown_write();
  acknowledges(fin());
  t.calls_abort();
  acknowledges(rst().ack(t.rcv_nxt()));
}

}  // namespace rapport::scenario
