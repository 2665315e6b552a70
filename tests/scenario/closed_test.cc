// CLOSED: a segment arrives and there is nobody (RFC 9293 3.10.7.1).
#include "scenario.hh"

namespace rapport::scenario {

namespace {

constexpr Seq kSomeAck{0xfedc1234};
constexpr uint32_t kAllControlBits = 0x40;  // FIN … URG

const std::vector<IpAddress> kNeverPeers = {
    IpAddress::v4(0, 0, 0, 0),    IpAddress::v4(224, 0, 0, 1), IpAddress::v4(255, 255, 255, 255),
    IpAddress::v4(10, 0, 0, 255), IpAddress::v4(240, 0, 0, 1), IpAddress::v4(127, 0, 0, 1),
};
const std::vector<IpAddress> kNeverOurs = {
    IpAddress::v4(224, 0, 0, 1),
    IpAddress::v4(255, 255, 255, 255),
    IpAddress::v4(10, 0, 0, 255),
    IpAddress::v4(10, 0, 0, 9),
};

// What RFC 9293 3.10.7.1 answers; `length` is SEG.LEN.
void answers_like_nobody(Peer& t, const Seg& s, wire::Flags f, uint32_t length) {
  t.hears(s);
  if (f.has(wire::kRst)) {
    t.says_nothing();
  } else if (f.has(wire::kAck)) {
    t.says(rst().seq(kSomeAck));
  } else {
    t.says(rst().seq(Seq{0}).ack(t.irs + ByteCount{length}));
  }
  t.is(State::Closed);
}

}  // namespace

SCENARIO_TEST("CLOSED: a reset is never answered, whatever comes with it [SA-CLOSED-01, U-10]") {
  auto t = peer::in_closed();
  t.hears(rst().seq(t.irs)).says_nothing();
  t.hears(rst().seq(t.irs).ack(kSomeAck)).says_nothing();
  t.hears(rst().seq(t.irs).ack(kSomeAck).syn()).says_nothing();
  t.hears(rst().seq(t.irs).fin().text(10_B)).says_nothing();
  t.is(State::Closed).and_pools_are_empty();
}

SCENARIO_TEST(
    "CLOSED: an ACK is answered by a reset with its number and no ACK bit "
    "[SA-CLOSED-02, U-7]") {
  auto t = peer::in_closed();
  t.hears(ack(kSomeAck).seq(t.irs)).says(rst().seq(kSomeAck));
  t.hears(data(100_B).ack(kSomeAck).seq(t.irs)).says(rst().seq(kSomeAck));
  t.hears(fin().ack(kSomeAck).seq(t.irs)).says(rst().seq(kSomeAck));
  t.hears(syn().ack(kSomeAck).seq(t.irs)).says(rst().seq(kSomeAck));
  t.is(State::Closed).and_pools_are_empty();
}

SCENARIO_TEST(
    "CLOSED: a SYN is refused, SEG.LEN counts the SYN and its text "
    "[SA-CLOSED-03, U-4, U-7]") {
  auto t = peer::in_closed();
  t.hears(t.syn_of_peer()).says(rst().seq(Seq{0}).ack(t.irs + 1_B));
  t.hears(t.syn_of_peer().text(100_B)).says(rst().seq(Seq{0}).ack(t.irs + 101_B));
  t.is(State::Closed).and_pools_are_empty();
}

SCENARIO_TEST(
    "CLOSED: a segment without ACK is reset by SEQ 0, SEG.LEN may be 0 "
    "[SA-CLOSED-04, U-7]") {
  auto t = peer::in_closed();
  t.hears(fin().no_ack().seq(t.irs)).says(rst().seq(Seq{0}).ack(t.irs + 1_B));
  t.hears(data(7_B).no_ack().seq(t.irs)).says(rst().seq(Seq{0}).ack(t.irs + 7_B));
  t.hears(fin().no_ack().text(7_B).seq(t.irs)).says(rst().seq(Seq{0}).ack(t.irs + 8_B));
  t.hears(none().seq(t.irs)).says(rst().seq(Seq{0}).ack(t.irs));
  t.is(State::Closed).and_pools_are_empty();
}

SCENARIO_TEST(
    "CLOSED: nothing is said to groups, broadcasts and impossible peers "
    "[SA-CLOSED-05, MUST-57, MUST-63, U-36]") {
  auto t = peer::in_closed();
  for (const auto& address : kNeverPeers) {
    t.hears(syn().seq(t.irs).from({address, t.remote.port})).says_nothing();
    t.hears(ack(kSomeAck).seq(t.irs).from({address, t.remote.port})).says_nothing();
  }
  for (const auto& address : kNeverOurs) {
    t.hears(syn().seq(t.irs).to({address, t.local.port})).says_nothing();
    t.hears(ack(kSomeAck).seq(t.irs).to({address, t.local.port})).says_nothing();
  }
  t.and_pools_are_empty();
}

SCENARIO_TEST("CLOSED: damaged segments are counted and never answered [SA-CLOSED-06, MUST-3]") {
  auto t = peer::in_closed();
  t.hears(syn().seq(t.irs).wrong_checksum()).says_nothing().dropped_as(DropReason::TcpChecksum);
  t.hears(syn().seq(t.irs).cut_to(19)).says_nothing().dropped_as(DropReason::TcpTooShort);
  t.hears(syn().seq(t.irs).cut_to(0)).says_nothing().dropped_as(DropReason::TcpTooShort);
  t.hears(syn().seq(t.irs).data_offset(4)).says_nothing().dropped_as(DropReason::TcpDataOffset);
  t.hears(syn().seq(t.irs).data_offset(15)).says_nothing().dropped_as(DropReason::TcpDataOffset);
  t.and_pools_are_empty();
}

SCENARIO_TEST("CLOSED: every combination of control bits has its answer [SA-CLOSED-07, U-34]") {
  auto t = peer::in_closed();
  for (uint32_t bits = 0; bits < kAllControlBits; ++bits) {
    const wire::Flags f{static_cast<uint8_t>(bits)};
    const uint32_t counted = (f.has(wire::kSyn) ? 1U : 0U) + (f.has(wire::kFin) ? 1U : 0U);
    Seg s = none().flags(f).seq(t.irs);
    if (f.has(wire::kAck)) s.ack(kSomeAck);
    answers_like_nobody(t, s, f, counted);
    answers_like_nobody(t, s.text(20_B), f, counted + 20);
  }
  t.and_pools_are_empty();
}

}  // namespace rapport::scenario
