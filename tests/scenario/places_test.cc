// Where text lies while it waits: in blocks of 4 KiB, summed as it is copied there where it is long
// enough (RFC 9293 3.1, 3.10.7.4, seventh), and in pieces until it is acknowledged. What is read
// and what is sent again must be the stream, whatever the edges of blocks and pieces.
#include "scenario.hh"

#include <cstdint>

namespace rapport::scenario {

namespace {

constexpr ByteCount kLong{1000};  // it is summed when it is copied to its place
constexpr uint8_t kWrong = 0xee;

// Hears text at RCV.NXT, which is acknowledged at once or later.
void takes(Peer& t, ByteCount n) {
  const Seq next = t.calls_status().rcv_nxt;
  t.hears(data(n).seq(next)).may_have_said_anything();
  t.holds(t.calls_status().rcv_nxt == next + n, "it was taken");
}

// The connection has room for text, and some of it is there, unread.
Peer with_text(ByteCount n) {
  auto t = peer::in_established({.sack = true});
  takes(t, n);
  return t;
}

Seg damaged(ByteCount n) {
  return data(n).filled_with(kWrong).wrong_checksum();
}

}  // namespace

SCENARIO_TEST("ESTABLISHED: text that was damaged leaves its place to the right one [MUST-3]") {
  auto t = with_text(kLong);
  t.hears(damaged(kLong).seq(t.calls_status().rcv_nxt))
      .says_nothing()
      .dropped_as(DropReason::TcpChecksum);
  t.calls_receive(kLong).calls_receive(Error::WouldBlock);
  takes(t, kLong);
  t.calls_receive(kLong);
}

SCENARIO_TEST("ESTABLISHED: damaged text does not touch what waits beyond a hole [MUST-3]") {
  auto t = with_text(kLong);
  const Seq hole = t.calls_status().rcv_nxt;
  t.hears(data(kLong).seq(hole + kLong)).says(ack(hole));
  t.hears(damaged(kLong + 300_B).seq(hole)).says_nothing().dropped_as(DropReason::TcpChecksum);
  t.hears(data(kLong).seq(hole)).says(ack(hole + kLong + kLong));
  t.calls_receive(kLong + kLong + kLong).calls_receive(Error::WouldBlock);
}

SCENARIO_TEST(
    "ESTABLISHED: text passes the edges of blocks at odd octets and even ones "
    "[SA-ESTAB-17, MUST-3]") {
  for (const uint32_t octets : {257U, 1024U, 1365U, 1399U, 1400U}) {
    auto t = peer::in_established();
    ByteCount all{};
    for (; all < 13'000_B; all += ByteCount{octets}) takes(t, ByteCount{octets});
    t.calls_receive(all).calls_receive(Error::WouldBlock);
  }
}

SCENARIO_TEST("ESTABLISHED: a piece that is acknowledged in part goes on there [SA-ESTAB-13]") {
  auto t = peer::in_established({.options = [](tcp::ConnectionOptions& o) { o.no_delay = true; }});
  const ByteCount full = t.largest_text();
  t.calls_send(full + 500_B).says(data(full)).says(data(500_B));
  t.hears(ack(t.iss + 701_B)).says_nothing();  // 700 octets of the first
  t.after_next_timer().says(data(full - 200_B).seq(t.iss + 701_B));
}

SCENARIO_TEST("ESTABLISHED: what lies behind a packet in its frame is not of it [SA-ESTAB-17]") {
  auto t = peer::in_established();
  for (const uint32_t octets : {10U, 1000U}) {
    auto packet = t.packet_of(data(ByteCount{octets}).seq(t.calls_status().rcv_nxt));
    packet.insert(packet.end(), 30, kWrong);  // as Ethernet fills up a short frame
    t.hears_packets({packet}).may_have_said_anything();
    t.calls_receive(ByteCount{octets}).calls_receive(Error::WouldBlock);
  }
  t.holds(t.calls_status().rcv_nxt == t.irs + 1011_B, "both were taken");
}

}  // namespace rapport::scenario
