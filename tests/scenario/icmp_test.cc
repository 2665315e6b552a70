// ICMP errors about our segments (RFC 9293 3.9.2.2, RFC 1122 4.2.3.9, RFC 1191, 5927, 8201): who
// hears of them, what ends, what only is told, and how large the next segments are.
#include "answers.hh"
#include "rapport/wire/icmp_error.hh"
#include "scenario.hh"

namespace rapport::scenario {

namespace {

using enum wire::IcmpKind;

// MUST-56: what never ends a connection.
constexpr wire::IcmpKind kSoft[] = {NetUnreachable,      HostUnreachable,        SourceRouteFailed,
                                    TimeExceededTransit, TimeExceededReassembly, ParameterProblem,
                                    AdminProhibited};

bool over_ipv6() {
  return dressing() == Dressing::Ipv6;
}

// A full segment's text on a path of this MTU (in IPv4's count).
ByteCount full_on(const Peer& t, uint32_t mtu) {
  return ByteCount{mtu - 40 - (t.timestamps_agreed() ? 12U : 0U)};
}

// The peer's answer to our SYN, with its options.
Seg syn_ack(const Peer& t) {
  return t.syn_of_peer().ack(t.iss + 1_B);
}

// Two full segments are in flight, the first of the connection.
void sends_two(Peer& t) {
  const ByteCount full = t.largest_text();
  t.calls_send(full + full).says(data(full).seq(t.iss + 1_B)).says(data(full));
}

// Sends `n` octets in full segments on a path of this MTU, and has them acknowledged.
void sends_on(Peer& t, uint32_t mtu, int segments) {
  const ByteCount full = full_on(t, mtu);
  for (int i = 0; i < segments; ++i) {
    const Seq at = t.snd_nxt();
    t.calls_send(full).says(data(full).seq(at)).hears(ack(t.snd_nxt())).says_nothing();
  }
}

}  // namespace

// --- handshakes ---------------------------------------------------------------------------------

SCENARIO_TEST("SYN-SENT: a hard error of our SYN ends it at once [SA-SYNSENT-25, SHLD-26]") {
  auto t = peer::in_syn_sent();
  t.hears_icmp(PortUnreachable, t.iss).says_nothing();
  t.is_told_ended(CloseReason::Unreachable).is_gone().and_pools_are_empty();
}

SCENARIO_TEST("SYN-SENT: soft errors are told and remembered [SA-SYNSENT-26, MUST-56, SHLD-25]") {
  for (const wire::IcmpKind kind : kSoft) {
    auto t = peer::in_syn_sent();
    t.hears_icmp(kind, t.iss).says_nothing().is(State::SynSent);
    t.is_told(What::DeliveryTrouble);
    t.holds(t.calls_status().soft_error == kind, "STATUS tells which");
    t.hears(syn_ack(t)).says(ack(t.irs + 1_B)).is(State::Established);
    t.holds(t.calls_status().soft_error == Unknown, "it is over");
  }
}

SCENARIO_TEST("SYN-SENT: who gives up after a soft error says so [SA-SYNSENT-26, MUST-47]") {
  auto t = peer::in_syn_sent();
  t.hears_icmp(HostUnreachable, t.iss).says_nothing();
  t.after(200_s).may_have_said_anything();
  t.is_told_ended(CloseReason::Unreachable).is_gone().and_pools_are_empty();
}

SCENARIO_TEST("SYN-RECEIVED: a hard error goes back to LISTEN [SA-SYNRCVD-32, SHLD-26]") {
  auto t = peer::in_syn_received_passive();
  t.hears_icmp(PortUnreachable, t.iss).says_nothing().is(State::Listen).and_pools_are_empty();
}

SCENARIO_TEST("SYN-RECEIVED: a hard error ends an active OPEN [SA-SYNRCVD-32]") {
  auto t = peer::in_syn_received_active();
  t.hears_icmp(PortUnreachable, t.iss).says_nothing();
  t.is_told_ended(CloseReason::Unreachable).is_gone().and_pools_are_empty();
}

SCENARIO_TEST("SYN-RECEIVED: a soft error is told, the handshake goes on [SA-SYNRCVD-33]") {
  for (const wire::IcmpKind kind : kSoft) {
    auto t = peer::in_syn_received_active();
    t.hears_icmp(kind, t.iss).says_nothing().is(State::SynReceived);
    t.is_told(What::DeliveryTrouble);
    auto u = peer::in_syn_received_passive();
    u.hears_icmp(kind, u.iss).says_nothing().is(State::SynReceived);
    u.hears(ack()).says_nothing().is(State::Established);
  }
}

SCENARIO_TEST("SYN-SENT: an error about another number is not ours [R5927-1, SA-SYNSENT-25]") {
  auto t = peer::in_syn_sent();
  t.hears_icmp(PortUnreachable, t.iss + 1_B).dropped_as(DropReason::IcmpNotInFlight);
  t.hears_icmp(PortUnreachable, t.iss - 1_B).dropped_as(DropReason::IcmpNotInFlight);
  t.is(State::SynSent).is_told_nothing();
}

// --- later --------------------------------------------------------------------------------------

SCENARIO_TEST(
    "ESTABLISHED: what would be hard before is soft now [SA-ESTAB-33, R5927-2, MUST-56]") {
  auto t = peer::in_established();
  t.calls_send(100_B).says(data(100_B));
  t.hears_icmp(PortUnreachable, t.iss + 1_B).says_nothing().is(State::Established);
  t.is_told(What::DeliveryTrouble);
  t.hears_icmp(ProtocolUnreachable, t.iss + 1_B).says_nothing().is(State::Established);
  t.hears(ack(t.iss + 101_B)).says_nothing().is(State::Established);
}

SCENARIO_ROWS("an ICMP error in flight is remembered and changes nothing",
              rows_of("SA-ALL-15",
                      {Start::FinWait1, Start::CloseWait, Start::Closing, Start::LastAck})) {
  auto t = row.begins();
  if (t.snd_una() == t.snd_nxt()) t.calls_send(100_B).says(data(100_B));
  const Seq quoted = t.snd_una();
  for (const wire::IcmpKind kind : {HostUnreachable, PortUnreachable}) {
    const State before = t.stack().state_of(t.local, t.remote);
    t.forgets_what_was_told();
    t.hears_icmp(kind, quoted).says_nothing().is(before);
    t.is_told(What::DeliveryTrouble);
  }
}

SCENARIO_TEST("FIN-WAIT-2: nothing of ours is in flight, no error can be true [SA-ALL-15]") {
  auto t = peer::in_fin_wait_2();
  t.hears_icmp(PortUnreachable, t.snd_nxt() - 1_B).dropped_as(DropReason::IcmpNotInFlight);
  t.says_nothing().is(State::FinWait2);
}

SCENARIO_TEST("ESTABLISHED: stale and future numbers are ignored [R5927-1]") {
  auto t = peer::in_established();
  t.calls_send(100_B).says(data(100_B));
  for (const Seq quoted : {t.iss, t.snd_nxt(), t.snd_nxt() + 1000_B}) {
    t.hears_icmp(HostUnreachable, quoted).dropped_as(DropReason::IcmpNotInFlight);
  }
  t.is_told_nothing();
  t.hears_icmp(HostUnreachable, t.snd_nxt() - 1_B).is_told(What::DeliveryTrouble);
}

SCENARIO_TEST("ESTABLISHED: only the connection that is quoted hears of it [MUST-54, R8201-3]") {
  auto t = peer::in_established();
  sends_two(t);
  t.hears_icmp_of_another(HostUnreachable, t.iss + 1_B, 0).dropped_as(DropReason::IcmpNobody);
  t.hears_icmp_of_another(PacketTooBig, t.iss + 1_B, 1300).dropped_as(DropReason::IcmpNobody);
  t.says_nothing().is_told_nothing();
  t.holds(t.calls_status().mss == 1460, "segments stay as large");
}

SCENARIO_TEST("ESTABLISHED: source quench has no effect [MUST-55, R5927-5]") {
  auto t = peer::in_established();
  if (over_ipv6()) return;  // it has none
  t.calls_send(100_B).says(data(100_B));
  const uint32_t cwnd = t.calls_status().cwnd;
  t.hears_icmp(SourceQuench, t.iss + 1_B).dropped_as(DropReason::IcmpIgnored);
  t.says_nothing().is_told_nothing();
  t.holds(t.calls_status().cwnd == cwnd, "the congestion window is what it was");
}

SCENARIO_TEST("ESTABLISHED: whoever does not want reports has none [SHLD-20]") {
  auto t =
      peer::in_established({.options = [](tcp::ConnectionOptions& o) { o.soft_errors = false; }});
  t.calls_send(100_B).says(data(100_B));
  t.hears_icmp(HostUnreachable, t.iss + 1_B).is_not_told(What::DeliveryTrouble);
  t.holds(t.calls_status().soft_error == HostUnreachable, "STATUS tells nevertheless");
}

// --- path MTU -----------------------------------------------------------------------------------

SCENARIO_TEST(
    "ESTABLISHED: too big is sent again at once, smaller, with the window that it had "
    "[SA-ESTAB-32, R1191-1, R1191-4, R8201-5]") {
  auto t = peer::in_established();
  sends_two(t);
  const uint32_t cwnd = t.calls_status().cwnd;
  const Seq end = t.snd_nxt();
  t.hears_icmp(PacketTooBig, t.iss + 1_B, 1300);
  const ByteCount full = full_on(t, 1300);
  const ByteCount rest = (end - (t.iss + 1_B)) - full - full;
  t.says(data(full).seq(t.iss + 1_B)).says(data(full).seq(t.iss + 1_B + full));
  t.says(data(rest).seq(end - rest)).says_nothing();
  t.holds(t.calls_status().cwnd == cwnd, "nothing was lost by congestion");
  t.hears(ack(end)).says_nothing();
  sends_on(t, 1300, 3);
}

// 68 octets in IPv4: from memory; 1280 in IPv6 is in RFC 8200 5.
SCENARIO_TEST(
    "ESTABLISHED: a message never raises the MTU, and one below the least is nonsense "
    "[R1191-2, R8201-1, R8201-2]") {
  auto t = peer::in_established();
  sends_two(t);
  for (const uint32_t mtu : {9000U, 1500U, 40U, 67U}) {
    t.hears_icmp(PacketTooBig, t.iss + 1_B, mtu).dropped_as(DropReason::IcmpIgnored);
    t.says_nothing();
  }
  if (over_ipv6()) {
    t.hears_icmp(PacketTooBig, t.iss + 1_B, 1259).dropped_as(DropReason::IcmpIgnored);
    t.says_nothing();
  }
  t.holds(t.calls_status().mss == 1460, "segments stay as large");
}

SCENARIO_TEST("ESTABLISHED: a router that tells no MTU means the next plateau [R1191-3]") {
  auto t = peer::in_established();
  if (over_ipv6()) return;  // where every router tells it
  sends_two(t);
  t.hears_icmp(PacketTooBig, t.iss + 1_B, 0).may_have_said_anything();
  t.holds(t.calls_status().mss == 1492 - 40, "1500 was too big: 1492 comes next");
}

SCENARIO_TEST(
    "ESTABLISHED: a path that has carried as much is believed in while ACKs return [R5927-3]") {
  auto t = peer::in_established();
  sends_two(t);
  t.hears(ack(t.snd_nxt())).says_nothing();
  const ByteCount full = t.largest_text();
  const Seq at = t.snd_nxt();
  t.calls_send(full + full).says(data(full).seq(at)).says(data(full));
  t.hears_icmp(PacketTooBig, at, 1300).says_nothing();
  t.hears(ack(at + full)).says_nothing();
  t.holds(t.calls_status().mss == 1460, "it was a forgery: the quoted segment got through");
}

SCENARIO_TEST("ESTABLISHED: a deferred message counts when the segment times out [R5927-3]") {
  auto t = peer::in_established();
  sends_two(t);
  t.hears(ack(t.snd_nxt())).says_nothing();
  const ByteCount full = t.largest_text();
  const Seq at = t.snd_nxt();
  t.calls_send(full + full).says(data(full).seq(at)).says(data(full));
  t.hears_icmp(PacketTooBig, at, 1300).says_nothing();
  t.after_next_timer().says(data(full_on(t, 1300)).seq(at)).may_have_said_anything();
  t.holds(t.calls_status().mss == 1260, "the path was really changed");
}

// At least 5 minutes, 10 as advised: both from memory.
SCENARIO_TEST(
    "ESTABLISHED: an estimate lives for ten minutes, then more is tried [R1191-5, R8201-4]") {
  auto t = peer::in_established();
  sends_two(t);
  t.hears_icmp(PacketTooBig, t.iss + 1_B, 1300).may_have_said_anything();
  t.hears(ack(t.snd_nxt())).says_nothing();
  t.after(599_s);
  sends_on(t, 1300, 1);
  t.after(2_s);
  sends_on(t, 1500, 2);
}

SCENARIO_TEST(
    "ESTABLISHED: what a timeout made believed ages as well [R5927-3, R1191-5, R8201-4]") {
  auto t = peer::in_established();
  sends_two(t);
  t.hears(ack(t.snd_nxt())).says_nothing();
  const ByteCount full = t.largest_text();
  const Seq at = t.snd_nxt();
  t.calls_send(full + full).says(data(full).seq(at)).says(data(full));
  t.hears_icmp(PacketTooBig, at, 1300).says_nothing();
  t.after_next_timer().says(data(full_on(t, 1300)).seq(at)).may_have_said_anything();
  t.holds(t.stack().counters().path_mtus_lowered == 1, "others on this path learn of it");
  t.hears(ack(at + full + full)).may_have_said_anything();
  t.after(590_s);
  sends_on(t, 1300, 1);
  t.after(11_s);
  sends_on(t, 1500, 2);
}

SCENARIO_TEST("SYN-SENT: who opens towards a known path begins with its MTU [R1191-1]") {
  auto t = peer::in_established();
  sends_two(t);
  t.hears_icmp(PacketTooBig, t.iss + 1_B, 1300).may_have_said_anything();
  t.hears(ack(t.snd_nxt())).says_nothing();
  const Endpoint elsewhere{t.remote.address, static_cast<uint16_t>(t.remote.port ^ 1U)};
  const tcp::Connect c{.remote = elsewhere, .local_address = {}, .local_port = t.local.port};
  const auto second = t.stack().command(c, t.now());
  t.holds(second.has_value(), "it opens");
  t.calls_status();
  t.says(syn().to(elsewhere));
  const Seq iss = t.heard().seq;
  const uint32_t tsecr = t.heard().options.tsval;
  Seg answer = syn().ack(iss + 1_B).seq(t.irs).mss(1460).from(elsewhere);
  t.hears(t.timestamps_agreed() ? answer.ts(t.tsval_now(), tsecr) : answer);
  t.says(ack(t.irs + 1_B).to(elsewhere));
  const auto status = t.stack().command(tcp::GetStatus{*second}, t.now());
  t.holds(status.has_value() && status->mss == 1260, "the path's, not the peer's 1460");
  t.holds(t.stack().command(tcp::Abort{*second}, t.now()).has_value(), "away with it");
  t.calls_status();
  t.may_have_said_anything();
}

}  // namespace rapport::scenario
