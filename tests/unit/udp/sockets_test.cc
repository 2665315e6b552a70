// The calls of RFC 1122 4.1.4, and whom a datagram or an error is for.
#include "rapport/udp/sockets.hh"

#include "rapport/base/address.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/udp/commands.hh"
#include "tests/unit/udp/world.hh"

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::udp {
namespace {

using namespace test;
using Kind = Arrival::Kind;

TEST(UdpSockets, a_datagram_is_read_as_it_came) {
  World w;
  const Handle s = w.open({{}, 53}, {}, 7);
  EXPECT_TRUE(is_socket(s));
  EXPECT_EQ(w.hear("question", {kOurs, 53}).kind, Kind::Delivered);
  const auto events = w.events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].handle, s);
  EXPECT_EQ(events[0].cookie, 7U);
  EXPECT_EQ(events[0].what, static_cast<uint16_t>(What::Readable));

  std::vector<uint8_t> into(100);
  const auto got = w.udp.command(ReceiveFrom{s, into});
  ASSERT_TRUE(got);
  EXPECT_EQ(got->octets.v, 8U);
  EXPECT_EQ(got->length.v, 8U);
  EXPECT_EQ(got->from, kPeer);
  EXPECT_EQ(got->to, kOurs);
  EXPECT_FALSE(got->truncated);
  EXPECT_EQ(std::string(into.begin(), into.begin() + 8), "question");
  EXPECT_EQ(w.read(s).error(), Error::WouldBlock);
}

TEST(UdpSockets, a_datagram_without_text_is_one) {
  World w;
  const Handle s = w.open({{}, 53});
  EXPECT_EQ(w.hear("", {kOurs, 53}).kind, Kind::Delivered);
  EXPECT_EQ(w.udp.population(), (Sockets::Population{1, 1, 0}));
  EXPECT_EQ(w.read(s).value(), "");
  EXPECT_EQ(w.read(s).error(), Error::WouldBlock);
}

TEST(UdpSockets, what_does_not_fit_the_reader_is_cut_off_and_said_to_be) {
  World w;
  const Handle s = w.open({{}, 53});
  w.hear("a long answer", {kOurs, 53});
  w.hear("next", {kOurs, 53});
  std::vector<uint8_t> into(6);
  const auto peeked = w.udp.command(ReceiveFrom{s, into, true});
  EXPECT_TRUE(peeked && peeked->truncated);
  const auto got = w.udp.command(ReceiveFrom{s, into});
  ASSERT_TRUE(got);
  EXPECT_TRUE(got->truncated);
  EXPECT_EQ(got->octets.v, 6U);
  EXPECT_EQ(got->length.v, 13U);
  EXPECT_EQ(w.read(s).value(), "next");
}

TEST(UdpSockets, the_largest_datagram_of_each_family_passes_and_one_octet_more_does_not) {
  World w;
  const Handle s = w.open({{}, 53});
  for (const auto& [peer, most] : {std::pair(kPeer, 65507U), std::pair(kPeer6, 65527U)}) {
    const std::string text(most, 'x');
    EXPECT_TRUE(w.udp.command(SendTo{s, peer, bytes(text), {}}));
    EXPECT_EQ(w.sent.back().text, text);
    EXPECT_EQ(w.udp.command(SendTo{s, peer, bytes(text + 'x'), {}}).error(), Error::MessageTooLong);
    EXPECT_EQ(w.hear(text, {kOurs, 53}, peer).kind, Kind::Delivered);
    EXPECT_EQ(w.read(s).value(), text);
  }
}

TEST(UdpSockets, the_most_specific_socket_has_it) {
  World w;
  const Handle any = w.open({{}, 53});
  EXPECT_EQ(w.hear("1", {kOurs, 53}).kind, Kind::Delivered);
  const Handle here = w.open({kOurs, 53});
  EXPECT_EQ(w.hear("2", {kOurs, 53}).kind, Kind::Delivered);
  const Handle connected = w.open({{}, 53}, kPeer);
  EXPECT_EQ(w.hear("3", {kOurs, 53}).kind, Kind::Delivered);
  EXPECT_EQ(w.hear("4", {kOurs, 53}, {kPeer.address, 4001}).kind, Kind::Delivered);
  EXPECT_EQ(w.hear("5", {kOther, 53}).kind, Kind::Delivered);
  EXPECT_EQ(w.hear("6", {kOurs6, 53}, kPeer6).kind, Kind::Delivered);

  EXPECT_EQ(w.read(any).value(), "1");
  EXPECT_EQ(w.read(any).value(), "5");
  EXPECT_EQ(w.read(any).value(), "6");
  EXPECT_EQ(w.read(here).value(), "2");
  EXPECT_EQ(w.read(here).value(), "4");
  EXPECT_EQ(w.read(connected).value(), "3");
  EXPECT_EQ(w.read(connected).error(), Error::WouldBlock);
}

TEST(UdpSockets, a_port_that_nobody_has_is_unreachable) {
  World w;
  const Handle bound = w.open({kOther, 53});
  const Handle connected = w.open({{}, 54}, kPeer);
  for (const Endpoint& local : {Endpoint{kOurs, 53}, {kOurs, 55}, {kOther, 1077}}) {
    const Arrival a = w.hear("x", local);
    EXPECT_EQ(a.kind, Kind::PortUnreachable);
    EXPECT_EQ(a.reason, DropReason::UdpNoSocket);
  }
  EXPECT_EQ(w.hear("x", {kOurs, 54}, {kPeer.address, 4001}).kind, Kind::PortUnreachable);
  EXPECT_TRUE(w.events().empty());
  EXPECT_EQ(w.read(bound).error(), Error::WouldBlock);
  EXPECT_EQ(w.read(connected).error(), Error::WouldBlock);
}

TEST(UdpSockets, sending_chooses_the_source_that_reaches_the_remote) {
  World w;
  Open how{.local = {{}, 53}, .remote = {}, .cookie = 0, .options = {}};
  how.options.ttl = 9;
  how.options.dscp = 46;
  const Handle s = w.open_as(how);
  EXPECT_TRUE(w.udp.command(SendTo{s, kPeer, bytes("a"), {}}));
  EXPECT_TRUE(w.udp.command(SendTo{s, {IpAddress::v4(10, 0, 1, 2), 1}, bytes("b"), {}}));
  EXPECT_TRUE(w.udp.command(SendTo{s, kPeer6, bytes("c"), {}}));
  EXPECT_TRUE(w.udp.command(SendTo{s, kPeer, bytes("d"), kOther}));
  ASSERT_EQ(w.sent.size(), 4U);
  EXPECT_EQ(w.sent[0].local, (Endpoint{kOurs, 53}));
  EXPECT_EQ(w.sent[1].local, (Endpoint{kOther, 53}));
  EXPECT_EQ(w.sent[2].local, (Endpoint{kOurs6, 53}));
  EXPECT_EQ(w.sent[3].local, (Endpoint{kOther, 53}));
  EXPECT_EQ(w.sent[0].remote, kPeer);
  EXPECT_EQ(w.sent[0].ttl, 9);
  EXPECT_EQ(w.sent[0].dscp, 46);
  EXPECT_EQ(w.udp.command(GetStatus{s})->sent, 4U);
}

TEST(UdpSockets, destinations_that_are_no_peers_are_refused) {
  World w;
  const Handle s = w.open({{}, 53});
  const auto send = [&](const Endpoint& to) {
    return w.udp.command(SendTo{s, to, bytes("x"), {}}).error();
  };
  EXPECT_EQ(send({IpAddress::v4(224, 0, 0, 1), 1}), Error::RemoteInvalid);
  EXPECT_EQ(send({IpAddress::v4(255, 255, 255, 255), 1}), Error::RemoteInvalid);
  EXPECT_EQ(send({IpAddress::v4(10, 0, 0, 255), 1}), Error::RemoteInvalid);
  EXPECT_EQ(send({parse_address("ff02::1").value(), 1}), Error::RemoteInvalid);
  EXPECT_EQ(send({kPeer.address, 0}), Error::RemoteInvalid);
  EXPECT_EQ(send({{}, 5}), Error::RemoteInvalid);
  EXPECT_EQ(send({}), Error::RemoteUnspecified);
  EXPECT_EQ(send({IpAddress::v4(192, 0, 2, 1), 1}), Error::Unreachable);
  EXPECT_EQ(w.udp.command(SendTo{s, kPeer, bytes("x"), IpAddress::v4(10, 0, 0, 9)}).error(),
            Error::LocalInvalid);
  const Handle four = w.open({kOurs, 54});
  EXPECT_EQ(w.udp.command(SendTo{four, kPeer6, bytes("x"), {}}).error(), Error::Unreachable);
  EXPECT_EQ(w.udp.command(SendTo{four, kPeer, bytes("x"), kOther}).error(), Error::LocalInvalid);
  EXPECT_TRUE(w.sent.empty());
}

Open opening(const Endpoint& local, const Endpoint& remote = {}, const Options& options = {}) {
  return {.local = local, .remote = remote, .cookie = 0, .options = options};
}

TEST(UdpSockets, opening_refuses_what_makes_no_sense) {
  World w;
  const auto fails = [&](const Open& c) { return w.udp.command(c).error(); };
  const Handle s = w.open({{}, 53});
  EXPECT_EQ(fails(opening({{}, 53})), Error::AlreadyExists);
  EXPECT_EQ(fails(opening({IpAddress::v4(0), 53})), Error::AlreadyExists);
  EXPECT_EQ(fails(opening({IpAddress::v4(10, 0, 0, 9), 54})), Error::LocalInvalid);
  EXPECT_EQ(fails(opening({}, {kPeer.address, 0})), Error::RemoteInvalid);
  EXPECT_EQ(fails(opening({}, {IpAddress::v4(224, 0, 0, 1), 1})), Error::RemoteInvalid);
  EXPECT_EQ(fails(opening({}, {IpAddress::v4(192, 0, 2, 1), 1})), Error::Unreachable);
  EXPECT_EQ(fails(opening({}, {}, {.receive_datagrams = 0})), Error::InvalidArgument);
  EXPECT_EQ(fails(opening({}, {}, {.ttl = 0})), Error::InvalidArgument);
  EXPECT_EQ(fails(opening({}, {}, {.dscp = 64})), Error::InvalidArgument);
  w.open({{}, 54}, kPeer);
  EXPECT_EQ(fails(opening({kOurs, 54}, kPeer)), Error::AlreadyExists);
  EXPECT_EQ(w.udp.population().sockets, 2U);
  EXPECT_EQ(w.udp.command(SetOptions{s, {.ttl = 0}}).error(), Error::InvalidArgument);
  EXPECT_EQ(w.udp.command(GetStatus{s})->options.ttl, 64);
}

TEST(UdpSockets, a_value_of_diffserv_may_be_forbidden) {
  Config c = small();
  c.permitted_dscp = 1;
  World w(c);
  EXPECT_EQ(w.udp.command(opening({}, {}, {.dscp = 8})).error(), Error::NotAllowed);
  const Handle s = w.open(Endpoint{});
  EXPECT_EQ(w.udp.command(SetOptions{s, {.dscp = 8}}).error(), Error::NotAllowed);
}

TEST(UdpSockets, a_connected_socket_speaks_to_its_peer_only) {
  World w;
  const Handle s = w.open({{}, 53}, kPeer);
  EXPECT_TRUE(w.udp.command(SendTo{s, {}, bytes("a"), {}}));
  EXPECT_TRUE(w.udp.command(SendTo{s, kPeer, bytes("b"), {}}));
  EXPECT_EQ(w.udp.command(SendTo{s, {kPeer.address, 9}, bytes("c"), {}}).error(),
            Error::AlreadyExists);
  EXPECT_EQ(w.sent.size(), 2U);
  EXPECT_EQ(w.udp.command(GetStatus{s})->local, (Endpoint{kOurs, 53}));
}

TEST(UdpSockets, connecting_anew_changes_who_is_heard_and_keeps_what_waits) {
  World w;
  const Handle s = w.open({{}, 53});
  w.hear("from anyone", {kOther, 53});
  ASSERT_TRUE(w.udp.command(Connect{s, kPeer}));
  EXPECT_EQ(w.hear("x", {kOther, 53}).kind, Kind::PortUnreachable);
  EXPECT_EQ(w.hear("from the peer", {kOurs, 53}).kind, Kind::Delivered);
  EXPECT_EQ(w.udp.command(Connect{s, {IpAddress::v4(224, 0, 0, 1), 1}}).error(),
            Error::RemoteInvalid);
  EXPECT_EQ(w.udp.command(GetStatus{s})->remote, kPeer);
  ASSERT_TRUE(w.udp.command(Connect{s, {}}));
  EXPECT_EQ(w.udp.command(GetStatus{s})->local, (Endpoint{{}, 53}));
  EXPECT_EQ(w.hear("from anyone again", {kOther, 53}).kind, Kind::Delivered);
  EXPECT_EQ(w.read(s).value(), "from anyone");
  EXPECT_EQ(w.read(s).value(), "from the peer");
  EXPECT_EQ(w.read(s).value(), "from anyone again");
}

TEST(UdpSockets, connecting_may_not_take_what_another_has) {
  World w;
  const Handle first = w.open({{}, 53}, kPeer);
  const Handle second = w.open({{}, 53});
  EXPECT_EQ(w.udp.command(Connect{second, kPeer}).error(), Error::AlreadyExists);
  EXPECT_EQ(w.udp.command(Connect{first, {}}).error(), Error::AlreadyExists);
  EXPECT_TRUE(w.udp.command(Connect{first, kPeer})) << "with whom it is";
}

TEST(UdpSockets, a_connected_socket_hears_of_an_icmp_error_once) {  // RFC 1122 4.1.3.3
  World w;
  const Handle s = w.open({{}, 53}, kPeer, 9);
  EXPECT_TRUE(w.udp.error_arrives(Error::Refused, {kOurs, 53}, kPeer));
  const auto events = w.events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_TRUE(events[0].is(What::Trouble));
  EXPECT_EQ(w.udp.command(SendTo{s, {}, bytes("x"), {}}).error(), Error::Refused);
  EXPECT_TRUE(w.udp.command(SendTo{s, {}, bytes("x"), {}}));
  EXPECT_TRUE(w.udp.error_arrives(Error::Unreachable, {kOurs, 53}, kPeer));
  EXPECT_EQ(w.read(s).error(), Error::Unreachable);
  EXPECT_EQ(w.read(s).error(), Error::WouldBlock);
  const auto status = w.udp.command(GetStatus{s});
  EXPECT_EQ(status->errors, 2U);
  EXPECT_EQ(status->last_error, Error::Unreachable);
  EXPECT_EQ(status->last_error_remote, kPeer);
}

TEST(UdpSockets, an_unconnected_socket_is_told_and_goes_on) {
  World w;
  const Handle s = w.open({{}, 53});
  EXPECT_TRUE(w.udp.error_arrives(Error::Refused, {kOurs, 53}, kPeer));
  ASSERT_EQ(w.events().size(), 1U);
  EXPECT_TRUE(w.udp.command(SendTo{s, kPeer, bytes("x"), {}}));
  EXPECT_EQ(w.udp.command(GetStatus{s})->last_error, Error::Refused);
  EXPECT_FALSE(w.udp.error_arrives(Error::Refused, {kOurs, 54}, kPeer)) << "nobody sent that";
}

TEST(UdpSockets, both_caps_of_a_socket_hold_and_what_is_too_much_is_counted) {
  World w;
  const Handle few = w.open_as(
      {.local = {{}, 53}, .remote = {}, .cookie = 0, .options = {.receive_datagrams = 2}});
  const Handle little = w.open_as(
      {.local = {{}, 54}, .remote = {}, .cookie = 0, .options = {.receive_octets = 10_B}});
  EXPECT_EQ(w.hear("1", {kOurs, 53}).kind, Kind::Delivered);
  EXPECT_EQ(w.hear("2", {kOurs, 53}).kind, Kind::Delivered);
  const Arrival a = w.hear("3", {kOurs, 53});
  EXPECT_EQ(a.kind, Kind::Dropped);
  EXPECT_EQ(a.reason, DropReason::UdpQueueFull);
  EXPECT_EQ(w.hear("123456", {kOurs, 54}).kind, Kind::Delivered);
  EXPECT_EQ(w.hear("12345", {kOurs, 54}).reason, DropReason::UdpQueueFull);
  EXPECT_EQ(w.hear("1234", {kOurs, 54}).kind, Kind::Delivered);
  EXPECT_EQ(w.udp.command(GetStatus{few})->dropped, 1U);
  EXPECT_EQ(w.udp.command(GetStatus{little})->dropped, 1U);
  EXPECT_EQ(w.udp.command(GetStatus{little})->receive_queue.v, 10U);
  EXPECT_EQ(w.read(few).value(), "1");
  EXPECT_EQ(w.hear("4", {kOurs, 53}).kind, Kind::Delivered);
}

TEST(UdpSockets, the_hosts_caps_hold_for_all_together) {
  Config c = small();
  c.max_datagrams = 3;
  c.max_blocks = 4;
  World w(c);
  const Handle s = w.open({{}, 53});
  const Handle t = w.open({{}, 54});
  EXPECT_EQ(w.hear(std::string(3 * kBlockText, 'x'), {kOurs, 53}).kind, Kind::Delivered);
  EXPECT_EQ(w.hear(std::string(kBlockText + 1, 'x'), {kOurs, 54}).reason,
            DropReason::PoolExhausted);
  EXPECT_EQ(w.hear("1", {kOurs, 54}).kind, Kind::Delivered);
  EXPECT_EQ(w.hear("", {kOurs, 54}).kind, Kind::Delivered);
  EXPECT_EQ(w.hear("", {kOurs, 54}).reason, DropReason::PoolExhausted);
  EXPECT_EQ(w.read(s)->size(), 3 * kBlockText);
  EXPECT_EQ(w.hear(std::string(3 * kBlockText, 'y'), {kOurs, 54}).kind, Kind::Delivered);
  EXPECT_EQ(w.udp.command(GetStatus{t})->dropped, 2U);
  EXPECT_EQ(w.udp.population(), (Sockets::Population{2, 3, 4}));
}

TEST(UdpSockets, who_would_have_blocked_is_told_of_room) {
  World w;
  const Handle s = w.open({{}, 53});
  const Handle calm = w.open({{}, 54});
  w.full = true;
  EXPECT_EQ(w.udp.command(SendTo{s, kPeer, bytes("x"), {}}).error(), Error::WouldBlock);
  EXPECT_EQ(w.udp.command(SendTo{s, kPeer, bytes("x"), {}}).error(), Error::WouldBlock);
  EXPECT_TRUE(w.events().empty());
  w.full = false;
  w.udp.may_send();
  const auto events = w.events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].handle, s);
  EXPECT_TRUE(events[0].is(What::Writable));
  w.udp.may_send();
  EXPECT_TRUE(w.events().empty());
  EXPECT_TRUE(w.udp.command(CloseSocket{calm}));
}

TEST(UdpSockets, nothing_is_left_after_close) {
  World w;
  const Handle s = w.open({{}, 53});
  const Handle t = w.open({{}, 54}, kPeer);
  w.hear(std::string(5000, 'x'), {kOurs, 53});
  w.hear("y", {kOurs, 54});
  w.full = true;
  EXPECT_EQ(w.udp.command(SendTo{s, kPeer, bytes("x"), {}}).error(), Error::WouldBlock);
  EXPECT_TRUE(w.udp.command(CloseSocket{s}));
  EXPECT_EQ(w.udp.command(CloseSocket{s}).error(), Error::DoesNotExist);
  EXPECT_EQ(w.read(s).error(), Error::DoesNotExist);
  EXPECT_EQ(w.udp.command(SendTo{s, kPeer, bytes("x"), {}}).error(), Error::DoesNotExist);
  EXPECT_EQ(w.udp.command(GetStatus{s}).error(), Error::DoesNotExist);
  EXPECT_EQ(w.udp.command(Connect{s, kPeer}).error(), Error::DoesNotExist);
  EXPECT_EQ(w.udp.command(SetOptions{s, {}}).error(), Error::DoesNotExist);
  EXPECT_EQ(w.udp.command(CloseSocket{Handle{}}).error(), Error::DoesNotExist);
  EXPECT_EQ(w.udp.command(CloseSocket{Handle::make(1, t.generation())}).error(),
            Error::DoesNotExist)
      << "a handle of TCP's";
  EXPECT_EQ(w.events().size(), 1U) << "of the other one";
  EXPECT_EQ(w.hear("x", {kOurs, 53}).kind, Kind::PortUnreachable);
  w.udp.close_all();
  w.udp.may_send();
  EXPECT_TRUE(w.events().empty());
  EXPECT_EQ(w.udp.population(), Sockets::Population{});
  std::vector<Handle> all;
  w.udp.sockets(all);
  EXPECT_TRUE(all.empty());
  EXPECT_NE(w.open({{}, 53}), s);
}

TEST(UdpSockets, no_more_than_the_cap) {
  World w;
  for (uint16_t port = 1; port <= 16; ++port) w.open({{}, port});
  EXPECT_EQ(w.udp.command(opening({{}, 17})).error(), Error::InsufficientResources);
  std::vector<Handle> all;
  w.udp.sockets(all);
  EXPECT_EQ(all.size(), 16U);
}

TEST(UdpSockets, ephemeral_ports_are_unused_unreserved_and_not_in_order) {  // RFC 6056
  const uint16_t reserved[] = {40003, 40005};
  Config c = small();
  c.ephemeral_first = 40000;
  c.ephemeral_last = 40007;
  c.reserved_ports = reserved;
  std::set<std::vector<uint16_t>> orders;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    World w(c, seed);
    w.open({kOther, 40001});
    w.open({kOther, 40002}, kPeer);
    std::vector<uint16_t> order;
    for (int i = 0; i < 4; ++i)
      order.push_back(w.udp.command(GetStatus{w.open(Endpoint{})})->local.port);
    EXPECT_EQ(std::set(order.begin(), order.end()),
              (std::set<uint16_t>{40000, 40004, 40006, 40007}));
    EXPECT_EQ(w.udp.command(Open{}).error(), Error::NoFreePort);
    orders.insert(order);
  }
  EXPECT_GE(orders.size(), 4U);
}

TEST(UdpSockets, ports_of_the_same_bucket_do_not_mix) {
  World w;
  const Handle a = w.open({{}, 1000});
  const Handle b = w.open({{}, 1000 + 1024});
  const Handle c = w.open({{}, 1000 + 2048}, kPeer);
  w.hear("b", {kOurs, 2024});
  w.hear("c", {kOurs, 3048});
  w.hear("a", {kOurs, 1000});
  EXPECT_EQ(w.read(a).value(), "a");
  EXPECT_EQ(w.read(b).value(), "b");
  EXPECT_EQ(w.read(c).value(), "c");
  EXPECT_EQ(w.hear("x", {kOurs, 4072}).kind, Kind::PortUnreachable);
}

}  // namespace
}  // namespace rapport::udp
