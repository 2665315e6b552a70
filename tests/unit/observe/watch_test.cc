// Two real stacks go through their lives; what Watch keeps and what the sentence says in each of
// the eleven states.
#include "rapport/observe/watch.hh"

#include "../stack/pair.hh"
#include "rapport/base/address.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/observe/standing.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/tcp/state.hh"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::observe {
namespace {

constexpr Endpoint kServer{IpAddress::v4(10, 0, 0, 2), 80};

class WatchTest : public testing::Test {
 protected:
  WatchTest() {
    pair.a.trace().enable(1024);
    pair.b.trace().enable(1024);
    listener = listen_at(80);
  }

  void connect() { client = connect_to(kServer); }

  Handle listen_at(uint16_t port) {
    tcp::Listen what;
    what.port = port;
    return *pair.b.command(what, pair.now);
  }

  Handle connect_to(const Endpoint& remote) {
    tcp::Connect what;
    what.remote = remote;
    return *pair.a.command(what, pair.now);
  }

  void open() {
    connect();
    pair.settle();
    server = *pair.b.command(tcp::Accept{listener, 0}, pair.now);
  }

  static std::vector<Frame> take(stack::Stack& from) {
    std::vector<Frame> out;
    for (Frame f = from.next_frame(); f; f = from.next_frame()) out.push_back(std::move(f));
    return out;
  }

  void carry(stack::Stack& from, stack::Stack& to) {
    std::vector<Frame> frames = take(from);
    to.receive(frames, pair.now);
  }

  void later(Duration d) { pair.now = pair.now + d; }

  static void read(stack::Stack& stack, Watch& watch) {
    TraceRecord r;
    while (stack.trace().read(r)) watch.take(r);
  }

  // The one connection of `stack` in `state`, in a sentence; what else is there if there is none.
  std::string says(stack::Stack& stack, Watch& watch, tcp::State state) {
    read(stack, watch);
    std::string others = "only:";
    for (const auto& [ends, watched] : watch.all()) {
      others += " " + std::string(tcp::name(watched.state));
      if (watched.state != state) continue;
      std::optional<tcp::Status> status;
      if (watched.connection.v != 0) {
        if (auto known = stack.command(tcp::GetStatus{watched.connection}, pair.now)) {
          status = *known;
        }
      }
      return sentence({state, &watched, status ? &*status : nullptr, pair.now, 60_s});
    }
    return others;
  }

  std::string client_says(tcp::State s) { return says(pair.a, watch_a, s); }

  std::string server_says(tcp::State s) { return says(pair.b, watch_b, s); }

  test::Pair pair;
  Watch watch_a, watch_b;
  Handle listener, client, server;
};

void expect_parts(const std::string& sentence, std::initializer_list<std::string_view> parts) {
  for (const std::string_view part : parts) {
    EXPECT_NE(sentence.find(part), std::string::npos) << "'" << part << "' in: " << sentence;
  }
}

TEST_F(WatchTest, TheOpening) {
  later(3_s);
  expect_parts(server_says(tcp::State::Listen),
               {"it waits for a SYN: the peer's move", "LISTEN since listen() was called 3 s ago"});
  connect();
  later(1500_ms);
  expect_parts(client_says(tcp::State::SynSent),
               {"our SYN is not answered: the peer's move",
                "SYN-SENT since connect() was called 1.5 s ago (RFC 9293"});
  carry(pair.a, pair.b);
  later(20_ms);
  expect_parts(server_says(tcp::State::SynReceived),
               {"our SYN,ACK is not acknowledged: the peer's move", "SYN-RECEIVED since SYN",
                "arrived 20 ms ago (RFC 9293 3.10.7.2"});
  carry(pair.b, pair.a);
  carry(pair.a, pair.b);
  expect_parts(client_says(tcp::State::Established),
               {"both may send, nothing is under way: either side's move",
                "ESTABLISHED since SYN,ACK seq 0 arrived 0 ms ago"});
  expect_parts(server_says(tcp::State::Established),
               {"ESTABLISHED since ACK arrived 0 ms ago (RFC 9293 3.10.7.4, fifth"});
}

TEST_F(WatchTest, EstablishedByItsQueues) {
  open();
  const std::array<uint8_t, 700> text{};
  (void)*pair.a.command(tcp::Send{client, text, false}, pair.now);
  std::vector<Frame> frames = take(pair.a);
  expect_parts(client_says(tcp::State::Established),
               {"700 octets that we sent are not acknowledged: the peer's move"});
  pair.b.receive(frames, pair.now);
  expect_parts(server_says(tcp::State::Established),
               {"700 octets that came wait to be read: the application's move"});
}

TEST_F(WatchTest, TheFourWayClose) {
  open();
  (void)pair.a.command(tcp::ShutdownWrite{client}, pair.now);
  expect_parts(client_says(tcp::State::FinWait1),
               {"we have closed; our FIN is not acknowledged: the peer's move",
                "FIN-WAIT-1 since shutdown(write) was called"});
  carry(pair.a, pair.b);
  later(4_s);
  expect_parts(server_says(tcp::State::CloseWait),
               {"the peer has closed, the application has not: the application's move",
                "CLOSE-WAIT since FIN,ACK seq 1 arrived 4 s ago (RFC 9293 3.10.7.4"});
  carry(pair.b, pair.a);
  expect_parts(client_says(tcp::State::FinWait2),
               {"the peer has acknowledged our FIN and has not closed yet: the peer's move",
                "FIN-WAIT-2 since ACK seq 1 arrived"});
  (void)pair.b.command(tcp::Close{server}, pair.now);
  expect_parts(server_says(tcp::State::LastAck),
               {"the peer has closed, then we have; our FIN is not acknowledged: the peer's move",
                "LAST-ACK since close() was called"});
  carry(pair.b, pair.a);
  later(10_s);
  expect_parts(client_says(tcp::State::TimeWait),
               {"both have closed; late segments die out: the 2MSL timer's move, in 50 s",
                "TIME-WAIT since FIN,ACK seq 1 arrived 10 s ago"});
  carry(pair.a, pair.b);
  EXPECT_EQ(server_says(tcp::State::LastAck), "only: LISTEN");  // gone, and forgotten
  pair.run_until(pair.now + 120_s);
  EXPECT_EQ(client_says(tcp::State::TimeWait), "only:");
}

TEST_F(WatchTest, ClosingAtOnce) {
  open();
  (void)pair.a.command(tcp::ShutdownWrite{client}, pair.now);
  (void)pair.b.command(tcp::ShutdownWrite{server}, pair.now);
  std::vector<Frame> to_b = take(pair.a);
  std::vector<Frame> to_a = take(pair.b);
  pair.a.receive(to_a, pair.now);
  pair.b.receive(to_b, pair.now);
  expect_parts(client_says(tcp::State::Closing),
               {"both have closed at once; our FIN is not acknowledged: the peer's move",
                "CLOSING since FIN,ACK seq 1 arrived"});
}

TEST_F(WatchTest, WhatIsSentAgainIsCounted) {
  connect();
  for (int i = 0; i < 3; ++i) {
    (void)take(pair.a);
    pair.now = pair.a.next_deadline();
    pair.a.expire(pair.now);
  }
  (void)take(pair.a);
  expect_parts(client_says(tcp::State::SynSent), {"sent again 3 times in a row"});
  ASSERT_EQ(watch_a.all().size(), 1U);
  EXPECT_EQ(watch_a.all().begin()->second.resent, 3U);
}

TEST_F(WatchTest, NoMoreThanItMayHold) {
  Watch small(2);
  for (int i = 0; i < 5; ++i) connect();
  read(pair.a, small);
  EXPECT_EQ(small.all().size(), 2U);
  EXPECT_EQ(small.missed(), 3U);
}

View view_in(tcp::State state) {
  View view;
  view.state = state;
  return view;
}

TEST(Standing, WhatIsNotKnownIsNotSaid) {
  EXPECT_EQ(sentence(view_in(tcp::State::Closed)), "there is no connection: nobody's move");
  EXPECT_EQ(sentence(view_in(tcp::State::CloseWait)),
            "the peer has closed, the application has not: the application's move");
  EXPECT_EQ(mover_of(view_in(tcp::State::TimeWait)), Mover::Timer);
}

}  // namespace
}  // namespace rapport::observe
