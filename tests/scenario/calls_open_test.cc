// OPEN, passive and active, in every state (RFC 9293 3.9.1.1, 3.10.1).
#include "scenario.hh"

namespace rapport::scenario {

namespace {

constexpr Seq kSomeAck{0x13572468};
const Endpoint kAnother{IpAddress::v4(10, 0, 0, 3), 4444};

tcp::Connect to(const Peer& t, const Endpoint& remote) {
  tcp::Connect c;
  c.remote = remote;
  c.local_port = t.local.port;
  return c;
}

tcp::Listen like(const Peer& t) {
  tcp::Listen c;
  c.port = t.local.port;
  return c;
}

const IpAddress kGroups[] = {IpAddress::v4(224, 0, 0, 1), IpAddress::v4(255, 255, 255, 255),
                             IpAddress::v4(10, 0, 0, 255), IpAddress::v4(240, 0, 0, 1)};

With with_one_connection() {
  return {.config = [](stack::Config& c) { c.tcp.max_connections = 1; }};
}

}  // namespace

SCENARIO_TEST("CLOSED: a passive OPEN listens and says nothing [UC-OPEN-01]") {
  auto t = peer::in_closed();
  t.calls_listen().says_nothing().is(State::Listen);
  const auto status = t.calls_status();
  t.holds(status.state == State::Listen && status.local.port == t.local.port, "it listens there");
  t.holds(status.remote.address.is_unspecified(), "for anyone");
  t.hears(t.syn_of_peer()).says(syn().ack(t.irs + 1_B)).is(State::SynReceived);
}

SCENARIO_TEST("CLOSED: a passive OPEN may name its remote [UC-OPEN-01]") {
  auto t = peer::in_closed({.listens_to_peer_only = true});
  t.calls_listen().says_nothing().is(State::Listen);
  t.holds(t.calls_status().remote == t.remote, "for this one");
  t.hears(syn().seq(t.irs).from(kAnother)).says(rst().seq(Seq{0}).ack(t.irs + 1_B).to(kAnother));
  t.hears(t.syn_of_peer()).says(syn().ack(t.irs + 1_B));
}

SCENARIO_TEST("CLOSED: an active OPEN sends a SYN [UC-OPEN-02]") {
  auto t = peer::in_closed();
  t.calls_connect().says(syn().win(65535)).says_nothing().is(State::SynSent);
  const auto status = t.calls_status();
  t.holds(status.snd_una == status.iss && status.iss == t.iss, "SND.UNA = ISS");
  t.holds(status.snd_nxt == t.iss + 1_B, "SND.NXT = ISS+1");
  t.holds(status.local == t.local && status.remote == t.remote && !status.passive, "the sockets");
}

SCENARIO_TEST("CLOSED: an active OPEN without a remote is an error [UC-OPEN-03]") {
  auto t = peer::in_closed();
  t.calls_connect(to(t, {}), Error::RemoteUnspecified);
  t.calls_connect(to(t, {t.remote.address, 0}), Error::RemoteUnspecified);
  t.calls_connect(to(t, {{}, t.remote.port}), Error::RemoteUnspecified);
  t.says_nothing().is(State::Closed).and_pools_are_empty();
}

SCENARIO_TEST("CLOSED: a local socket that is not ours is an error [UC-OPEN-04]") {
  auto t = peer::in_closed({.config = [](stack::Config& c) { c.tcp.lowest_listen_port = 1024; }});
  auto listen = like(t);
  listen.port = 1023;
  t.calls_listen(listen, Error::NotAllowed);
  listen = like(t);
  listen.local_address = kAnother.address;
  t.calls_listen(listen, Error::LocalInvalid);
  auto connect = to(t, t.remote);
  connect.local_address = kAnother.address;
  t.calls_connect(connect, Error::LocalInvalid);
  t.says_nothing().is(State::Closed).and_pools_are_empty();
}

SCENARIO_TEST("CLOSED: without room an OPEN is an error [UC-OPEN-05]") {
  auto t = peer::in_closed({.config = [](stack::Config& c) {
    c.tcp.max_connections = 1;
    c.tcp.max_listeners = 1;
  }});
  t.calls_connect().says(syn());
  t.calls_connect(to(t, kAnother), Error::InsufficientResources).says_nothing();
  t.calls_listen();
  auto listen = like(t);
  listen.port = static_cast<uint16_t>(t.local.port + 1);
  t.calls_listen(listen, Error::InsufficientResources).says_nothing();
  t.calls_abort().says_nothing().and_pools_are_empty();
}

SCENARIO_TEST("CLOSED: a Diffserv value that is not permitted is an error [UC-OPEN-06]") {
  auto t = peer::in_closed(
      {.config = [](stack::Config& c) { c.tcp.permitted_dscp = ~(uint64_t{1} << 46); }});
  tcp::ConnectionOptions options;
  options.dscp = 46;
  auto connect = to(t, t.remote);
  connect.options = &options;
  t.calls_connect(connect, Error::NotAllowed);
  auto listen = like(t);
  listen.options = &options;
  t.calls_listen(listen, Error::NotAllowed);
  t.says_nothing().is(State::Closed).and_pools_are_empty();
}

SCENARIO_TEST("CLOSED: groups and broadcasts are nobody to talk to [UC-OPEN-07, MUST-46]") {
  auto t = peer::in_closed();
  for (const auto& address : kGroups) {
    t.calls_connect(to(t, {address, t.remote.port}), Error::RemoteInvalid);
    auto listen = like(t);
    listen.remote = {address, t.remote.port};
    t.calls_listen(listen, Error::RemoteInvalid);
  }
  t.says_nothing().is(State::Closed).and_pools_are_empty();
}

// 0/8, 127/8 (over IPv6 ::1) and 240/4 are from memory.
SCENARIO_TEST(
    "CLOSED: nothing leaves the host for an address that no host has [R1122-9, UC-OPEN-07]") {
  auto t = peer::in_closed();
  uint64_t refused = 0;
  for (const auto& address : {IpAddress::v4(127, 0, 0, 1), IpAddress::v4(240, 0, 0, 1)}) {
    t.calls_connect(to(t, {address, t.remote.port}), Error::RemoteInvalid).says_nothing();
    t.holds(t.stack().counters().remotes_refused == ++refused, "it is counted");
  }
  if (dressing() != Dressing::Ipv6) {
    for (const auto& address : {IpAddress::v4(127, 255, 255, 254), IpAddress::v4(0, 1, 2, 3)}) {
      t.calls_connect(to(t, {address, t.remote.port}), Error::RemoteInvalid).says_nothing();
    }
  }
  t.is(State::Closed).and_pools_are_empty();
  t.calls_connect().says(syn());  // the next address is a host's
}

SCENARIO_TEST("LISTEN: an active OPEN without a remote is an error [UC-OPEN-09]") {
  auto t = peer::in_listen();
  t.calls_connect(to(t, {}), Error::RemoteUnspecified).says_nothing().is(State::Listen);
  t.hears(t.syn_of_peer()).says(syn().ack(t.irs + 1_B));  // as before
}

SCENARIO_ROWS("an OPEN of the same tuple is an error and disturbs nothing",
              (std::vector<Row>{{Start::SynSent, "UC-OPEN-10"},
                                {Start::SynReceivedActive, "UC-OPEN-11"},
                                {Start::SynReceivedPassive, "UC-OPEN-11"},
                                {Start::Established, "UC-OPEN-12"},
                                {Start::EstablishedPassive, "UC-OPEN-12"},
                                {Start::FinWait1, "UC-OPEN-13"},
                                {Start::FinWait2, "UC-OPEN-14"},
                                {Start::CloseWait, "UC-OPEN-15"},
                                {Start::Closing, "UC-OPEN-16"},
                                {Start::LastAck, "UC-OPEN-17"},
                                {Start::TimeWait, "UC-OPEN-18"}})) {
  auto t = row.begins();
  const auto before = t.stack().fingerprint();
  t.calls_connect(to(t, t.remote), Error::AlreadyExists).says_nothing();
  t.is(row.state()).is_told_nothing();
  t.holds(t.stack().fingerprint() == before, "nothing was changed");
}

SCENARIO_TEST("LISTEN: the same passive OPEN is an error, the old one lives on [UC-OPEN-19]") {
  auto t = peer::in_listen();
  t.calls_listen(like(t), Error::AlreadyExists).says_nothing().is(State::Listen);
  auto narrower = like(t);
  narrower.remote = here(kAnother);
  const auto r = t.stack().command(narrower, t.now());
  t.holds(r.has_value(), "another remote socket is another LISTEN");
  t.calls_listen(narrower, Error::AlreadyExists);
  t.hears(t.syn_of_peer()).says(syn().ack(t.irs + 1_B));
  t.hears(ack()).says_nothing().calls_accept().is(State::Established);
}

SCENARIO_TEST("LISTEN: an active OPEN from its port without room is an error [UC-OPEN-20]") {
  auto with = with_one_connection();
  with.passive = true;
  auto t = peer::in_established(with);
  t.calls_connect(to(t, kAnother), Error::InsufficientResources).says_nothing();
  t.is(State::Established);
  t.holds(t.stack().command(tcp::GetStatus{.target = t.listener}, t.now())->state == State::Listen,
          "the listener lives on");
}

SCENARIO_ROWS("a passive OPEN of its port is no matter of its own",
              rows_of("UC-OPEN-21", {Start::SynSent, Start::SynReceivedActive})) {
  auto t = row.begins();
  t.calls_listen().says_nothing().is(row.state());
  const auto status = t.stack().command(tcp::GetStatus{.target = t.listener}, t.now());
  t.holds(status && status->state == State::Listen, "it listens");
  // Another comes to the listener, our peer to the connection.
  t.hears(syn().seq(kSomeAck).from(kAnother)).says(syn().ack(kSomeAck + 1_B).to(kAnother));
  t.hears(t.syn_of_peer().ack(t.iss + 1_B)).may_have_said_anything().is(State::Established);
}

SCENARIO_ROWS("a passive OPEN on its port does not disturb it",
              rows_of("MUST-41", {Start::SynSent, Start::SynReceivedActive, Start::Established,
                                  Start::FinWait1, Start::FinWait2, Start::CloseWait,
                                  Start::Closing, Start::LastAck, Start::TimeWait})) {
  auto t = row.begins();
  const Seq next = t.rcv_nxt();
  t.calls_listen().says_nothing().is_told_nothing();
  t.holds(t.stack().state_of(t.local, t.remote) == row.state(), "its state is what it was");
  // Segments of the tuple are still its own, not the listener's, which would answer with a reset.
  if (row.state() >= State::Established) {
    t.hears(ack(t.snd_una()).seq(next - 1_B)).says(ack(next).seq(t.snd_nxt()));
  } else {
    t.hears(t.syn_of_peer().ack(t.iss + 1_B)).may_have_said_anything();
    t.holds(t.stack().state_of(t.local, t.remote) == State::Established, "it is completed");
  }
}

}  // namespace rapport::scenario
