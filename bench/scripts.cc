// Packet scripts a second: each is read, gets a stack of its own, is played and thrown away.
#include "couple.hh"
#include "rapport/play/judge.hh"
#include "rapport/play/player.hh"
#include "rapport/play/verdict.hh"
#include "report.hh"
#include "work.hh"

#include <cstdint>
#include <string_view>

namespace rapport::bench {

namespace {

constexpr std::string_view kScript =
    "0.0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"
    "+0 bind(3, ..., ...) = 0\n"
    "+0 listen(3, 1) = 0\n"
    "+0 < S 0:0(0) win 4000 <mss 1000>\n"
    "+0 > S. 0:0(0) ack 1 <...>\n"
    "+.01 < . 1:1(0) ack 1 win 4000\n"
    "+0 accept(3, ..., ...) = 4\n"
    "+0 close(3) = 0\n"
    "+.1 < F. 1:1(0) ack 1 win 4000\n"
    "+0 > . 1:1(0) ack 2\n"
    "+0 read(4, ..., 10) = 0\n"
    "+.1 close(4) = 0\n"
    "+0 > F. 1:1(0) ack 2\n"
    "+.01 < . 2:2(0) ack 2 win 4000\n";

}  // namespace

double scripts(uint32_t count) {
  play::Workshop workshop;
  const double begun = seconds();
  for (uint32_t i = 0; i < count; ++i) {
    const auto verdict = play::judge(kScript, "script", {}, workshop);
    require(verdict && verdict->passed(), "the script did not pass");
  }
  return count / (seconds() - begun);
}

}  // namespace rapport::bench
