// LISTEN: a segment arrives at a port that somebody listens on (RFC 9293 3.10.7.2).
#include "scenario.hh"

namespace rapport::scenario {

namespace {

constexpr Seq kSomeAck{0x89abcdef};
constexpr uint16_t kOurMss = 1460;  // MTU 1500

Endpoint another(const Peer& t, uint16_t which) {
  return {t.remote.address, static_cast<uint16_t>(t.remote.port + which)};
}

// A SYN with those of the options that `with` offers, and none of the others.
Seg echoing(const With& with) {
  Seg s = syn();
  (void)(*with.window_scale ? s.ws() : s.no_ws());
  (void)(*with.sack ? s.sackp() : s.no_sackp());
  return *with.timestamps ? s : s.no_ts();
}

}  // namespace

SCENARIO_TEST("LISTEN: a reset is ignored, whatever comes with it [SA-LISTEN-01]") {
  auto t = peer::in_listen();
  t.hears(rst().seq(t.irs)).says_nothing();
  t.hears(rst().seq(t.irs).ack(kSomeAck)).says_nothing();
  t.hears(rst().seq(t.irs).syn()).says_nothing();
  t.is(State::Listen).is_told_nothing().and_pools_are_empty();
}

SCENARIO_TEST("LISTEN: an ACK is answered by a reset with its number [SA-LISTEN-02, U-8]") {
  auto t = peer::in_listen();
  t.hears(ack(kSomeAck).seq(t.irs)).says(rst().seq(kSomeAck));
  t.hears(t.syn_of_peer().ack(kSomeAck)).says(rst().seq(kSomeAck));
  t.hears(data(10_B).ack(kSomeAck).seq(t.irs)).says(rst().seq(kSomeAck));
  t.hears(fin().ack(kSomeAck).seq(t.irs)).says(rst().seq(kSomeAck));
  t.is(State::Listen).is_told_nothing().and_pools_are_empty();
}

SCENARIO_TEST("LISTEN: a SYN is answered by SYN,ACK and the listener stays [SA-LISTEN-05]") {
  auto t = peer::in_listen();
  t.hears(t.syn_of_peer()).says(syn().ack(t.irs + 1_B));
  t.is(State::SynReceived).is_told_nothing();
  t.holds(t.calls_status().state == State::Listen, "the listener still listens");
  // Another peer, at the same time, with the same initial sequence number.
  t.hears(t.syn_of_peer().from(another(t, 1)));
  t.says(syn().ack(t.irs + 1_B).to(another(t, 1)));
  t.holds(t.heard().seq != t.iss, "another tuple has another ISS");
  // SND.NXT = ISS+1: that, and only that, completes.
  t.hears(ack(t.iss + 1_B).seq(t.irs + 1_B)).says_nothing();
  t.is(State::Established).is_told(What::Acceptable).calls_accept();
  const auto s = t.calls_status();
  t.holds(s.passive && s.remote == t.remote && s.local == t.local, "the sockets are filled in");
  t.holds(s.iss == t.iss && s.irs == t.irs && s.rcv_nxt == t.irs + 1_B, "IRS and RCV.NXT are set");
  t.holds(s.snd_una == t.iss + 1_B && s.snd_nxt == t.iss + 1_B, "SND.UNA = SND.NXT = ISS+1");
}

SCENARIO_TEST("LISTEN: of a SYN with text only the SYN is acknowledged [SA-LISTEN-06, U-12]") {
  auto t = peer::in_listen();
  t.hears(t.syn_of_peer().text(10_B)).says(syn().ack(t.irs + 1_B));
  t.hears(ack()).says_nothing();
  t.is(State::Established).calls_accept();
  t.calls_receive(Error::WouldBlock);  // choice 16: not kept …
  t.hears(data(10_B).seq(t.irs + 1_B)).says(ack(t.irs + 11_B));
  t.calls_receive(10_B);  // … but sent again
}

SCENARIO_TEST("LISTEN: SYN and FIN in one segment are dropped [SA-LISTEN-08]") {
  auto t = peer::in_listen();
  t.hears(t.syn_of_peer().fin()).says_nothing().dropped_as(DropReason::ListenSynFin);
  t.is(State::Listen).and_pools_are_empty();
}

SCENARIO_TEST(
    "LISTEN: with the switch off the SYN of SYN,FIN opens, its FIN is resent "
    "[SA-LISTEN-08]") {
  auto t = peer::in_listen(
      {.passive = true, .config = [](stack::Config& c) { c.tcp.drop_syn_fin = false; }});
  t.hears(t.syn_of_peer().fin()).says(syn().ack(t.irs + 1_B));
  t.hears(ack()).says_nothing();
  t.is(State::Established);
  t.hears(fin()).says(ack(t.irs + 2_B));
  t.is(State::CloseWait);
}

SCENARIO_TEST(
    "LISTEN: when the SYN queue is full the oldest handshake gives way in silence "
    "[SA-LISTEN-09, R4987-4]") {
  auto t = peer::in_listen({.config = [](stack::Config& c) { c.tcp.max_half_open = 2; }});
  t.hears(t.syn_of_peer().from(another(t, 1))).says(syn().ack(t.irs + 1_B).to(another(t, 1)));
  const Seq first_iss = t.heard().seq;
  t.hears(t.syn_of_peer().from(another(t, 2))).says(syn().ack(t.irs + 1_B).to(another(t, 2)));
  const Seq second_iss = t.heard().seq;
  t.hears(t.syn_of_peer()).says(syn().ack(t.irs + 1_B)).says_nothing();
  t.is(State::SynReceived);
  t.holds(t.stack().population().half_open == 2, "no more than the cap");
  t.holds(t.stack().counters().half_open_evicted == 1, "one had to go, and is counted");
  // The one that went is as unknown as if it had never come.
  t.hears(ack(first_iss + 1_B).seq(t.irs + 1_B).from(another(t, 1)));
  t.says(rst().seq(first_iss + 1_B).to(another(t, 1)));
  t.hears(ack(second_iss + 1_B).seq(t.irs + 1_B).from(another(t, 2))).says_nothing().calls_accept();
}

SCENARIO_TEST("LISTEN: while nobody accepts what waits a SYN is dropped [SA-LISTEN-10]") {
  auto t = peer::in_listen({.backlog = 1});
  t.hears(t.syn_of_peer().from(another(t, 1))).says(syn().ack(t.irs + 1_B).to(another(t, 1)));
  t.hears(completion(t, another(t, 1))).says_nothing();
  t.hears(t.syn_of_peer()).says_nothing().dropped_as(DropReason::AcceptQueueFull);
  t.is(State::Listen);
  t.calls_accept();
  t.hears(t.syn_of_peer()).says(syn().ack(t.irs + 1_B));
}

SCENARIO_TEST(
    "LISTEN: neither RST, ACK nor SYN: dropped, where CLOSED would reset "
    "[SA-LISTEN-11, U-34]") {
  auto t = peer::in_listen();
  t.hears(fin().no_ack().seq(t.irs)).says_nothing().dropped_as(DropReason::ListenNotSyn);
  t.hears(data(10_B).no_ack().seq(t.irs)).says_nothing().dropped_as(DropReason::ListenNotSyn);
  t.hears(none().seq(t.irs)).says_nothing().dropped_as(DropReason::ListenNotSyn);
  t.is(State::Listen).and_pools_are_empty();
}

SCENARIO_TEST(
    "LISTEN: a SYN to a group or broadcast, or from no possible peer, is dropped "
    "[SA-LISTEN-12, MUST-57, MUST-63]") {
  auto t = peer::in_listen();
  for (const auto& to : {IpAddress::v4(224, 0, 0, 1), IpAddress::v4(255, 255, 255, 255),
                         IpAddress::v4(10, 0, 0, 255)}) {
    t.hears(t.syn_of_peer().to({to, t.local.port})).says_nothing();
  }
  for (const auto& from :
       {IpAddress::v4(0, 0, 0, 0), IpAddress::v4(224, 0, 0, 1), IpAddress::v4(255, 255, 255, 255),
        IpAddress::v4(10, 0, 0, 255), IpAddress::v4(240, 0, 0, 1), IpAddress::v4(127, 0, 0, 1)}) {
    t.hears(t.syn_of_peer().from({from, t.remote.port})).says_nothing();
  }
  t.is(State::Listen).and_pools_are_empty();
}

SCENARIO_TEST("LISTEN: a passive OPEN for one remote refuses all others [SA-LISTEN-13]") {
  auto t = peer::in_listen({.listens_to_peer_only = true});
  const Endpoint stranger = another(t, 1);
  t.hears(t.syn_of_peer().from(stranger)).says(rst().seq(Seq{0}).ack(t.irs + 1_B).to(stranger));
  const Endpoint elsewhere{IpAddress::v4(10, 0, 0, 3), t.remote.port};
  t.hears(t.syn_of_peer().text(5_B).from(elsewhere));
  t.says(rst().seq(Seq{0}).ack(t.irs + 6_B).to(elsewhere));
  t.is(State::Listen);
  t.hears(t.syn_of_peer()).says(syn().ack(t.irs + 1_B));
  t.hears(ack()).says_nothing().is(State::Established);
}

SCENARIO_TEST(
    "LISTEN: the SYN,ACK carries only options that the SYN offered "
    "[SA-LISTEN-14, R7323-1, R7323-2, R7323-8]") {
  for (uint32_t offers = 0; offers < 16; ++offers) {
    const With with{.mss = static_cast<uint16_t>((offers & 1) != 0 ? 1200 : 0),
                    .window_scale = (offers & 2) != 0,
                    .sack = (offers & 4) != 0,
                    .timestamps = (offers & 8) != 0};
    auto t = peer::in_listen(with);
    // An MSS may always be sent; the window in a SYN is never scaled.
    const Seg wanted = echoing(with).ack(t.irs + 1_B).mss(kOurMss).win(65535);
    const uint32_t tsval = t.tsval_now();
    t.hears(t.syn_of_peer()).says(wanted);
    if (*with.timestamps) t.holds(t.heard().options.tsecr == tsval, "the SYN's TSval comes back");
    t.hears(ack()).says_nothing().calls_accept();
    const auto s = t.calls_status();
    t.holds(s.window_scaling == *with.window_scale && s.sack == *with.sack
                && s.timestamps == *with.timestamps,
            "agreed is what both have said");
    t.holds(s.mss == (*with.mss != 0 ? 1200 : unsaid_mss()),
            "the MSS is the peer's, or 536, or 1220");
  }
}

SCENARIO_TEST("LISTEN: a SYN from our own address and port is dropped [SA-LISTEN-15]") {
  auto t = peer::in_listen();
  t.hears(t.syn_of_peer().from(t.local)).says_nothing();
  t.after(10_s).says_nothing();
  t.is(State::Listen).and_pools_are_empty();
}

}  // namespace rapport::scenario
