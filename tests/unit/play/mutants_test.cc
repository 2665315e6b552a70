// Mutants: which a script has, that each differs from it in one expectation, and that nothing but
// expectations is touched.
#include "rapport/play/mutants.hh"

#include "rapport/base/time.hh"
#include "rapport/play/print.hh"
#include "rapport/play/script.hh"
#include "tests/unit/play/examples.hh"

#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace rapport::play {

namespace {

using Class = MutantClass;

// What the mutants of one class make of the only event of a script, in order.
std::vector<std::string> changes(std::string_view text, Class kind) {
  std::vector<std::string> out;
  for (const Mutant& m : mutants(parsed(text))) {
    if (m.kind == kind) out.push_back(m.what);
  }
  return out;
}

using Texts = std::vector<std::string>;

TEST(PlayMutants, Numbers) {
  EXPECT_EQ(changes("0 > . 1:1(0) ack 4294967295", Class::AckPlusOne),
            Texts{"ack 0 for ack 4294967295"});
  EXPECT_EQ(changes("0 > R 1:1(0)", Class::AckPlusOne), Texts{});
  EXPECT_EQ(changes("0 > . 5:9(4) ack 1", Class::SeqPlusOne), Texts{"seq 6 for seq 5"});
  EXPECT_EQ(changes("0 > . ...(4) ack 1", Class::SeqPlusOne), Texts{});
  EXPECT_EQ(changes("0 > S 0:0(0)\n+1 > S 0:0(0)", Class::SeqPlusOne).size(), 1U)
      << "the first SYN only names the ISN";
}

TEST(PlayMutants, FlagsAndWindow) {
  EXPECT_EQ(changes("0 > P. 1:2(1) ack 1", Class::FlagDropped), (Texts{"without P", "without ."}));
  EXPECT_EQ(changes("0 > P. 1:2(1) ack 1", Class::FlagAdded), (Texts{"with F", "with U"}));
  EXPECT_EQ(changes("0 > - 1:1(0)", Class::FlagAdded), (Texts{"with F", "with P", "with U"}));
  EXPECT_EQ(changes("0 > . 1:1(0) win 65535", Class::WrongWindow), Texts{"win 0 for win 65535"});
  EXPECT_EQ(changes("0 > . 1:1(0)", Class::WrongWindow), Texts{});
}

TEST(PlayMutants, Options) {
  EXPECT_EQ(
      changes("0 > S 0:0(0) <mss 1460,nop,wscale 14,sackOK,TS val 1 ecr 0>", Class::WrongOption),
      (Texts{"mss 1461 for mss 1460", "without mss 1460", "wscale 0 for wscale 14",
             "without wscale 14", "without sackOK", "TS val 1 ecr 1 for TS val 1 ecr 0",
             "without TS val 1 ecr 0"}));
  EXPECT_EQ(changes("0 > . 1:1(0) <sack 1:2 3:4>", Class::WrongOption),
            (Texts{"sack 1:2 3:5 for sack 1:2 3:4", "without sack 1:2 3:4", "with sackOK"}));
  EXPECT_EQ(changes("0 > . 1:1(0)", Class::WrongOption), Texts{"with sackOK"});
  EXPECT_EQ(changes("0 > . 1:1(0) <...>", Class::WrongOption), Texts{});
  EXPECT_EQ(changes("0 > . 1:1(0) <TS val 1 ecr 2!>", Class::WrongOption),
            (Texts{"without TS val 1 ecr 2!", "with sackOK"}));
}

TEST(PlayMutants, Times) {
  const Tolerance tolerance{.fixed = 4_ms, .permille = 100};
  const auto shifted = [&](std::string_view text) {
    std::vector<std::string> out;
    const Script script = parsed(text);
    for (const Mutant& m : mutants(script, tolerance)) {
      if (m.kind == Class::TimeShifted) out.push_back(print(mutated(script, m).events.at(m.at)));
    }
    return out;
  };
  EXPECT_EQ(shifted("+0 > . 1:1(0)"), Texts{"+0.008 > . 1:1(0)"});
  EXPECT_EQ(shifted("+1 > . 1:1(0)"), Texts{"+1.2 > . 1:1(0)"});
  EXPECT_EQ(shifted("+0~+.5 > . 1:1(0)"), Texts{"+0.508~+1.008 > . 1:1(0)"});
  EXPECT_EQ(shifted("1 close(3) = 0\n+.5 close(3) = 0\n2 > . 1:1(0)"), Texts{"2.1 > . 1:1(0)"});
  EXPECT_EQ(shifted("+0...1 connect(3, ..., ...) = 0"), Texts{"+0...1.2 connect(3, ..., ...) = 0"});
  EXPECT_EQ(shifted("* > . 1:1(0)"), Texts{});
  EXPECT_EQ(shifted("0 < . 1:1(0)\n+1 close(3) = 0"), Texts{});
}

TEST(PlayMutants, MissingAndExtra) {
  const Script script = parsed("0 close(3) = 0\n+.5 > . 1:1(0)\n+.1...0.3 read(3, ..., 1) = 0");
  std::vector<std::string> texts;
  for (const Mutant& m : mutants(script)) {
    if (m.kind == Class::MissingPacket || m.kind == Class::ExtraPacket) {
      texts.push_back(print(mutated(script, m)));
    }
  }
  EXPECT_EQ(texts, (Texts{"0 close(3) = 0\n+0.6...0.8 read(3, ..., 1) = 0\n",
                          "0 close(3) = 0\n+0.5 > . 1:1(0)\n+0 > . 1:1(0)\n"
                          "+0.1...0.3 read(3, ..., 1) = 0\n"}));
}

TEST(PlayMutants, ResultsAndErrors) {
  EXPECT_EQ(changes("0 read(3, ..., 9) = 5", Class::WrongResult), Texts{"6 for 5"});
  EXPECT_EQ(changes("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3", Class::WrongResult),
            Texts{"-1 for 3"});
  EXPECT_EQ(changes("0 read(3, ..., 9) = -1 EAGAIN (x)", Class::WrongResult), Texts{"0 for -1"});
  EXPECT_EQ(changes("0 read(3, ..., 9) = -1 EAGAIN (x)", Class::WrongErrno),
            Texts{"EBADF for EAGAIN"});
  EXPECT_EQ(changes("0 read(3, ..., 9) = -1 EBADF", Class::WrongErrno), Texts{"EINVAL for EBADF"});
  EXPECT_EQ(changes("0 f() = ...", Class::WrongResult), Texts{});
}

TEST(PlayMutants, Outputs) {
  const auto out = [](std::string_view text) { return changes(text, Class::WrongOutput); };
  EXPECT_EQ(out("0 getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [4]) = 0"), Texts{"[1] for [0]"});
  EXPECT_EQ(out("0 getsockopt(3, SOL_SOCKET, SO_ERROR, [ECONNRESET], [4]) = 0"),
            Texts{"[EBADF] for [ECONNRESET]"});
  EXPECT_EQ(out("0 getsockopt(3, SOL_SOCKET, SO_LINGER, [{onoff=1, linger=5}], [8]) = 0"),
            Texts{"[{onoff=2, linger=5}] for [{onoff=1, linger=5}]"});
  EXPECT_EQ(out("0 getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [4]) = -1 EBADF"), Texts{});
  EXPECT_EQ(out("0 setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0"), Texts{});
  EXPECT_EQ(out("0 ioctl(3, SIOCINQ, [5]) = 0"), Texts{"[6] for [5]"});
  EXPECT_EQ(out("0 ioctl(3, FIONBIO, [1]) = 0"), Texts{});
  EXPECT_EQ(out("0 poll([{fd=3, events=POLLIN, revents=POLLIN}], 1, 0) = 1"),
            Texts{"[{fd=3, events=POLLIN, revents=POLLNVAL}] for "
                  "[{fd=3, events=POLLIN, revents=POLLIN}]"});
  EXPECT_EQ(out("0 poll([{fd=3, events=POLLIN}], 1, 0) = 0"), Texts{});
  EXPECT_EQ(out("0 epoll_wait(4, {events=EPOLLPRI, fd=3}, 1, 0) = 1"),
            Texts{"{events=0, fd=3} for {events=EPOLLPRI, fd=3}"});
  EXPECT_EQ(out("0 recvmsg(3, {msg_iov(1)=[{..., 5}], msg_flags=0}, 0) = 5").size(), 1U);
}

TEST(PlayMutants, Assertions) {
  EXPECT_EQ(changes("0 %{ assert (a == 1 < 2), 'a >= %d' % (b == 2)\nassert c & 1 >= 0 }%",
                    Class::WrongAssert),
            (Texts{"!= for ==", ">= for <", "< for >="}));
  const Script script = parsed("0 %{ assert a == 1 }%");
  EXPECT_EQ(print(mutated(script, mutants(script).at(0)).events.at(0)), "0 %{ assert a != 1 }%");
}

TEST(PlayMutants, OnlyExpectationsAreTouched) {
  EXPECT_TRUE(mutants(parsed("--mtu=1500\n`a`\n0 < S 0:0(0) win 5 <mss 5>\n+0 `b`\n`c`")).empty());
  for (const auto text : {kPassiveOpen, kActiveClose, kPassiveClose}) {
    const Script script = parsed(text);
    const auto all = mutants(script);
    EXPECT_GT(all.size(), 20U);
    std::set<std::string> printed{print(script)};
    for (const Mutant& m : all) {
      const Script changed = mutated(script, m);
      EXPECT_TRUE(printed.insert(print(changed)).second) << m.what << " is there twice";
      EXPECT_NE(changed, script) << m.what;
      EXPECT_FALSE(m.what.empty());
      EXPECT_GT(m.place.line, 0U);
      const auto inbound = [](const Script& s) {
        return std::ranges::count_if(s.events, [](const Event& e) {
          return e.packet() != nullptr && !e.packet()->outbound();
        });
      };
      EXPECT_EQ(inbound(changed), inbound(script));
    }
  }
}

TEST(PlayMutants, Names) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < kMutantClasses; ++i) names.insert(name(static_cast<Class>(i)));
  EXPECT_EQ(names.size(), kMutantClasses);
}

}  // namespace

}  // namespace rapport::play
