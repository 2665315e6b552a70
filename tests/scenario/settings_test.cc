// What an application may set on a connection, and what that changes on the wire
// (docs/settings.md): Nagle, ACKs at once, Diffserv, TTL, MSS, linger, error reports.
#include "scenario.hh"

#include <cstdint>
#include <functional>
#include <utility>

namespace rapport::scenario {

namespace {

using Options = tcp::ConnectionOptions;

With with_options(std::function<void(Options&)> change) {
  return {.options = std::move(change)};
}

void sets(Peer& t, const std::function<void(Options&)>& change) {
  Options o = t.calls_status().options;
  change(o);
  t.calls_set_options(o);
}

void travelled_as(Peer& t, uint8_t dscp, uint8_t ttl, At at = At::current()) {
  t.holds(t.heard_ip().dscp == dscp && t.heard_ip().ecn == 0, "the Diffserv field is as set", at);
  t.holds(t.heard_ip().ttl == ttl, "the TTL is as set", at);
}

ByteCount without_timestamps(const Peer& t, uint32_t mss) {
  return ByteCount{mss - (t.timestamps_agreed() ? 12U : 0U)};
}

}  // namespace

// --- Nagle and delayed ACKs ---------------------------------------------------------------------

SCENARIO_TEST(
    "ESTABLISHED: a small piece waits for the ACK of the last one [SHLD-7, SHLD-27, MAY-16]") {
  auto t = peer::in_established();
  const Seq una = t.iss + 1_B;
  t.calls_send(10_B).says(data(10_B).seq(una).psh());
  t.calls_send(20_B).says_nothing().calls_send(30_B).says_nothing();
  t.hears(ack(una + 10_B)).says(data(50_B).seq(una + 10_B).psh());
}

SCENARIO_TEST("ESTABLISHED: with Nagle off a small piece leaves at once [MUST-17]") {
  auto t = peer::in_established(with_options([](Options& o) { o.no_delay = true; }));
  const Seq una = t.iss + 1_B;
  t.calls_send(10_B).says(data(10_B).seq(una));
  t.calls_send(20_B).says(data(20_B).seq(una + 10_B));
  t.calls_send(30_B).says(data(30_B).seq(una + 30_B));
}

SCENARIO_TEST("ESTABLISHED: Nagle switched off lets go what it held [MUST-17]") {
  auto t = peer::in_established();
  const Seq una = t.iss + 1_B;
  t.calls_send(10_B).says(data(10_B)).calls_send(20_B).says_nothing();
  sets(t, [](Options& o) { o.no_delay = true; });
  t.says(data(20_B).seq(una + 10_B)).hears(ack()).says_nothing();
  sets(t, [](Options& o) { o.no_delay = false; });
  t.calls_send(10_B).says(data(10_B)).calls_send(20_B).says_nothing();
}

SCENARIO_TEST("ESTABLISHED: the ACK of a small segment is delayed by 40 ms [SHLD-18, MUST-40]") {
  auto t = peer::in_established({.config = [](stack::Config& c) { c.tcp.quick_acks = 0; }});
  t.hears(data(10_B)).says_nothing();
  t.after(40_ms - 1_ms).says_nothing().after(1_ms).says(ack(t.irs + 11_B)).says_nothing();
}

SCENARIO_TEST("ESTABLISHED: the ACK is delayed as long as the stack was told [SHLD-18, MUST-40]") {
  auto t = peer::in_established({.config = [](stack::Config& c) {
    c.tcp.quick_acks = 0;
    c.tcp.delayed_ack = 120_ms;
  }});
  t.hears(data(10_B)).says_nothing();
  t.after(120_ms - 1_ms).says_nothing().after(1_ms).says(ack(t.irs + 11_B));
}

SCENARIO_TEST("ESTABLISHED: after opening the first ACKs are not delayed [SHLD-18]") {
  auto t = peer::in_established({.config = [](stack::Config& c) { c.tcp.quick_acks = 3; }});
  for (uint32_t i = 0; i < 3; ++i) t.hears(data(10_B)).says(ack(t.irs + 11_B + 10_B * i));
  t.hears(data(10_B)).says_nothing().after(40_ms).says(ack(t.irs + 41_B));
}

SCENARIO_TEST("ESTABLISHED: an application that wants ACKs at once gets them [SHLD-18]") {
  auto t = peer::in_established({.config = [](stack::Config& c) { c.tcp.quick_acks = 0; },
                                 .options = [](Options& o) { o.quick_ack = true; }});
  for (uint32_t i = 0; i < 40; ++i) t.hears(data(10_B)).says(ack(t.irs + 11_B + 10_B * i));
  sets(t, [](Options& o) { o.quick_ack = false; });
  t.hears(data(10_B)).says_nothing().after(40_ms).says(ack(t.irs + 411_B));
}

// --- Diffserv and TTL ---------------------------------------------------------------------------

SCENARIO_TEST("SYN, text, ACK and FIN carry the Diffserv field and TTL set [MUST-48, MUST-49]") {
  const auto ef_and_7 = with_options([](Options& o) {
    o.dscp = 0x2e;
    o.ttl = 7;
  });
  auto t = peer::in_syn_sent(ef_and_7);
  travelled_as(t, 0x2e, 7);
  t.hears(t.syn_of_peer().ack(t.iss + 1_B)).says(ack());
  travelled_as(t, 0x2e, 7);
  t.calls_send(10_B).says(data(10_B));
  travelled_as(t, 0x2e, 7);
  t.after(200_ms).says(data(10_B));  // and again
  travelled_as(t, 0x2e, 7);
  t.hears(data(10_B)).says(ack());
  travelled_as(t, 0x2e, 7);
  t.calls_shutdown_write().says(fin());
  travelled_as(t, 0x2e, 7);
  t.calls_abort().says(rst().ack(t.rcv_nxt()));
  travelled_as(t, 0x2e, 7);
}

SCENARIO_TEST(
    "SYN-RECEIVED: SYN,ACK and the child carry what the listener was told [MUST-48, MUST-49]") {
  auto t = peer::in_syn_received_passive(with_options([](Options& o) {
    o.dscp = 10;
    o.ttl = 200;
  }));
  travelled_as(t, 10, 200);
  t.after(1_s).says(syn().ack(t.irs + 1_B));
  travelled_as(t, 10, 200);
  t.hears(ack()).says_nothing().calls_accept().calls_send(10_B).says(data(10_B));
  travelled_as(t, 10, 200);
}

SCENARIO_TEST("ESTABLISHED: nobody asked for anything: no Diffserv, TTL 64 [MUST-49, SHLD-23]") {
  auto t = peer::in_established();
  t.calls_send(10_B).says(data(10_B));
  travelled_as(t, 0, 64);
}

SCENARIO_TEST("ESTABLISHED: every Diffserv value goes to IP as it is [SHLD-21, SHLD-22]") {
  auto t = peer::in_established();
  for (uint8_t dscp = 0; dscp < 64; ++dscp) {
    sets(t, [dscp](Options& o) { o.dscp = dscp; });
    t.calls_send(1_B).says(data(1_B));
    travelled_as(t, dscp, 64);
    t.hears(ack()).says_nothing();
  }
}

SCENARIO_TEST("ESTABLISHED: the TTL may change too [MUST-49]") {
  auto t = peer::in_established();
  for (const int ttl : {1, 7, 255}) {
    sets(t, [ttl](Options& o) { o.ttl = static_cast<uint8_t>(ttl); });
    t.calls_send(1_B).says(data(1_B));
    travelled_as(t, 0, static_cast<uint8_t>(ttl));
    t.hears(ack()).says_nothing();
  }
}

// --- the largest segment ------------------------------------------------------------------------

SCENARIO_TEST("SYN-SENT: MSS clamped by the application is offered and kept [MUST-14, MUST-16]") {
  auto t = peer::in_syn_sent(with_options([](Options& o) { o.mss_clamp = 1000; }));
  t.holds(t.heard().options.has_mss && t.heard().options.mss == 1000, "1000 is offered");
  t.hears(t.syn_of_peer().ack(t.iss + 1_B)).says(ack().no_mss());
  t.calls_send(3000_B).says(data(without_timestamps(t, 1000))).may_have_said_anything();
}

SCENARIO_TEST("SYN-RECEIVED: a listener's clamp holds for its children [MUST-14, MUST-16]") {
  auto t = peer::in_syn_received_passive(with_options([](Options& o) { o.mss_clamp = 1000; }));
  t.holds(t.heard().options.has_mss && t.heard().options.mss == 1000, "1000 is offered");
  t.hears(ack()).says_nothing().calls_accept();
  t.calls_send(3000_B).says(data(without_timestamps(t, 1000))).may_have_said_anything();
}

SCENARIO_TEST("SYN-SENT: our MSS is the MTU less the fixed headers [SHLD-5, U-20, R6691-1]") {
  auto t = peer::in_syn_sent();
  t.holds(t.heard().options.mss == 1460, "1500 - 40, whatever options there will be");
  auto u = peer::in_syn_sent({.config = [](stack::Config& c) { c.interfaces[0].mtu = 1280; }});
  u.holds(u.heard().options.mss == 1240, "1280 - 40");
}

SCENARIO_TEST(
    "ESTABLISHED: text is as long as the smaller MSS less the options [MUST-16, MUST-15, U-21]") {
  const std::pair<uint16_t, uint32_t> cases[] = {{700, 700}, {9000, 1460}, {0, unsaid_mss()}};
  for (const auto& [theirs, used] : cases) {
    auto t = peer::in_established({.mss = theirs});
    t.calls_send(4000_B).says(data(without_timestamps(t, used)).no_mss());  // MUST-65
    t.may_have_said_anything();
  }
}

// --- linger -------------------------------------------------------------------------------------

SCENARIO_TEST("ESTABLISHED: lingering ends with a reset at its instant [UC-CLOSE-07, R7323-10]") {
  auto t = peer::in_established(with_options([](Options& o) {
    o.linger = true;
    o.linger_time = 5_s;
  }));
  t.calls_send(100_B).says(data(100_B)).calls_close().says(fin());
  t.after(5_s - 1_ms).may_have_said_anything().is(State::FinWait1);
  Seg reset = rst().seq(t.snd_nxt()).ack(t.rcv_nxt());
  if (t.timestamps_agreed()) reset.ts();
  t.after(1_ms).says(reset).says_nothing().is_gone().and_pools_are_empty();
}

SCENARIO_TEST("FIN-WAIT-2: who lingers need not wait longer for the peer's FIN [UC-CLOSE-07]") {
  auto t = peer::in_established(with_options([](Options& o) {
    o.linger = true;
    o.linger_time = 5_s;
  }));
  t.calls_close().says(fin()).hears(ack()).says_nothing().is(State::FinWait2);
  t.hears(fin()).says(ack(t.irs + 2_B)).is(State::TimeWait);
  t.after(5_s).says_nothing().is(State::TimeWait);  // no reset after the end by the book
}

// --- trouble ------------------------------------------------------------------------------------

SCENARIO_TEST("ESTABLISHED: R1, the third time again, is told [SHLD-9, SHLD-10, MUST-47]") {
  auto t = peer::in_established();
  t.calls_send(100_B).says(data(100_B));
  for (const auto wait : {200_ms, 400_ms, 800_ms}) {
    t.is_not_told(What::DeliveryTrouble);
    t.after(wait).says(data(100_B));
  }
  t.is_told(What::DeliveryTrouble).is(State::Established);
  t.after(60_s).may_have_said_anything().is_not_told(What::DeliveryTrouble);  // once
  t.hears(ack()).says_nothing();
  t.calls_send(100_B).says(data(100_B));
  t.after(400_s).may_have_said_anything().is_told(What::DeliveryTrouble);  // trouble anew
}

SCENARIO_TEST("ESTABLISHED: an application that wants no such reports gets none [SHLD-20]") {
  auto t = peer::in_established(with_options([](Options& o) { o.soft_errors = false; }));
  t.calls_send(100_B).says(data(100_B));
  t.after(300_s).may_have_said_anything().is(State::Established).is_told_nothing();
}

SCENARIO_TEST("SYN-SENT: R1 counts for the SYN too, unless it is not wanted [MUST-22, SHLD-20]") {
  auto t = peer::in_syn_sent();
  t.after(7_s - 1_ms).may_have_said_anything().is_not_told(What::DeliveryTrouble);
  t.after(1_ms).says(syn()).is_told(What::DeliveryTrouble);
  auto u = peer::in_syn_sent(with_options([](Options& o) { o.soft_errors = false; }));
  u.after(100_s).may_have_said_anything().is_told_nothing();
}

}  // namespace rapport::scenario
