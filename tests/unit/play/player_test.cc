// The runner by itself: what passes, what fails and where, what is skipped, how scripts end.
#include "rapport/play/player.hh"

#include "rapport/play/judge.hh"
#include "rapport/play/rules.hh"
#include "rapport/play/verdict.hh"

#include <filesystem>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace rapport::play {

namespace {

using Kind = Verdict::Kind;

const std::string kListener =
    "0.0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"
    "+0 bind(3, ..., ...) = 0\n"
    "+0 listen(3, 1) = 0\n";
const std::string kOpen = kListener
                          + "+0 < S 7000:7000(0) win 20000 <mss 1000>\n"
                            "+0 > S. 0:0(0) ack 7001 <...>\n"
                            "+.1 < . 1:1(0) ack 1 win 20000\n"
                            "+0 accept(3, ..., ...) = 4\n";

Verdict judged(const std::string& text, const JudgeOptions& options = {}) {
  Workshop workshop;
  const auto v = judge(text, "script", options, workshop);
  if (!v) ADD_FAILURE() << v.error().text();
  return v.value_or(Verdict{});
}

void expect_pass(const std::string& text) {
  const Verdict v = judged(text);
  EXPECT_EQ(v.kind, Kind::Pass) << play::text(v, "script") << v.ladder;
}

Verdict expect_fail(const std::string& text, uint32_t line, std::string_view saw) {
  Verdict v = judged(text);
  EXPECT_EQ(v.kind, Kind::Fail);
  EXPECT_EQ(v.place.line, line) << v.saw;
  EXPECT_NE(v.saw.find(saw), std::string::npos) << v.saw;
  return v;
}

TEST(Player, a_failure_tells_line_packet_and_ladder) {
  const Verdict v = expect_fail(kOpen + "+0 < P. 1:11(10) ack 1 win 20000\n+0 > . 1:1(0) ack 12\n",
                                9, "> . 1:1(0) ack 11");
  EXPECT_EQ(v.expected, "+0 > . 1:1(0) ack 12");
  EXPECT_NE(v.saw.find("(ack)"), std::string::npos) << v.saw;
  EXPECT_NE(v.ladder.find("SYN-RECEIVED"), std::string::npos) << v.ladder;
}

TEST(Player, numbers_of_a_segment_with_syn_are_raw_and_others_count_from_the_isn) {
  expect_pass(kOpen + "+0 < P. 1:11(10) ack 1 win 20000\n+0 > . 1:1(0) ack 11\n");
}

TEST(Player, a_flow_without_a_connection_has_raw_numbers) {
  expect_pass(
      "0 < S 17:17(0) win 100\n+0 > R. 0:0(0) ack 18\n+0 < . 5:5(0) ack 77 win 9\n"
      "+0 > R 77:77(0)\n");
}

TEST(Player, too_early_is_as_wrong_as_too_late) {
  const std::string sends = kOpen + "+0 < P. 1:11(10) ack 1 win 20000\n";
  expect_fail(sends + "+.1 > . 1:1(0) ack 11\n", 9, "too early");
  expect_fail(
      kOpen + "+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1\n+.1 > P. 1:11(10) ack 1\n", 10,
      "too late");
}

TEST(Player, what_the_script_does_not_mention_fails_it) {
  const std::string sends = kOpen + "+0 < P. 1:11(10) ack 1 win 20000\n";
  expect_fail(sends, 8, "does not mention");
  JudgeOptions relaxed;
  relaxed.play.allow_leftover = true;
  EXPECT_EQ(judged(sends, relaxed).kind, Kind::Pass);
}

TEST(Player, a_call_that_must_not_block_fails_when_it_does) {
  expect_fail(kOpen + "+0 read(4, ..., 10) = 0\n", 8, "it blocks");
}

TEST(Player, a_blocking_call_returns_when_it_is_said_to) {
  const std::string reads = kOpen + "+0...0.2 read(4, ..., 10) = 10\n";
  expect_pass(reads + "+.2 < P. 1:11(10) ack 1 win 20000\n+0 > . 1:1(0) ack 11\n");
  expect_fail(reads + "+.1 < P. 1:11(10) ack 1 win 20000\n+0 > . 1:1(0) ack 11\n", 8,
              "its return at");
  expect_fail(reads + "+1 < P. 1:11(10) ack 1 win 20000\n", 8, "it still blocks");
}

TEST(Player, results_and_errors_are_exact) {
  expect_fail(kListener + "+0 listen(3, 1) = 1\n", 4, "listen() = 0");
  expect_fail(
      "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"
      "+0 shutdown(3, SHUT_WR) = -1 EINVAL (x)\n",
      2, "ENOTCONN");
  expect_fail(kOpen + "+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1\n"
              "+0 getsockopt(4, SOL_SOCKET, SO_ERROR, [ECONNRESET], [4]) = 0\n", 10, "[0]");
}

TEST(Player, assertions_read_tcp_info) {
  expect_pass(kOpen + "+0 %{ assert tcpi_state == TCP_ESTABLISHED }%\n");
  expect_fail(kOpen + "+0 %{ assert tcpi_state == TCP_SYN_SENT }%\n", 8, "tcpi_state");
  EXPECT_EQ(judged(kOpen + "+0 %{ assert tcpi_no_such_thing == 1 }%\n").kind, Kind::Skip);
}

TEST(Player, unknown_things_are_skipped_never_passed) {
  for (const std::string_view line : {"`rm -rf /`", "`sysctl -w net.ipv4.tcp_no_such_thing=1`"}) {
    EXPECT_EQ(judged(std::string(line) + "\n" + kOpen).kind, Kind::Skip) << line;
  }
  EXPECT_EQ(judged(kOpen + "+0 %{ print(\"x\") }%\n").kind, Kind::Skip);
  EXPECT_EQ(judged(kOpen + "+0 mmap(1, 2) = 0\n").kind, Kind::Skip);
  EXPECT_EQ(judged(kOpen + "+0 setsockopt(4, SOL_SOCKET, SO_WONDER, [1], 4) = 0\n").kind,
            Kind::Skip);
  EXPECT_EQ(judged("--no_such_option=1\n" + kOpen).kind, Kind::Skip);
  EXPECT_EQ(judged(kListener + "+0 < S 0:0(0) win 8000 <FO>\n").kind, Kind::Skip);
}

TEST(Player, shell_lines_without_a_time_are_judged_as_those_with_one) {
  expect_pass("`sockstat -s | grep -c LISTEN | grep 0`\n" + kOpen);
  expect_fail("`sockstat -s | grep -c LISTEN | grep 1`\n" + kOpen, 1, "0");
  expect_fail("`sysctl net.inet.tcp.sack.enable=0; ss -tan | grep LISTEN`\n" + kOpen, 1, "0");
  expect_pass(kOpen
              + "`sockstat -s | grep -c LISTEN | grep 1`\n`ss -tan | grep -c ESTAB | grep 1`");
  expect_fail(kOpen + "`true`\n`sockstat -s | grep -c LISTEN | grep 9`\n", 9, "1");
  expect_fail(kOpen + "`sockstat -s | grep TIME_WAIT`\n", 8, "0");
}

TEST(Player, what_stands_behind_the_last_event_is_looked_up_and_never_executed) {
  const auto trace = std::filesystem::path(testing::TempDir()) / "rapport-play-executed";
  std::filesystem::remove(trace);
  for (const std::string& line :
       {"touch " + trace.string(), std::string("rm -rf /"), std::string("true && reboot"),
        std::string("cat < /etc/passwd")}) {
    for (const std::string& text :
         {"`" + line + "`\n" + kOpen, kOpen + "+0 `" + line + "`\n", kOpen + "`" + line + "`\n"}) {
      EXPECT_EQ(judged(text).kind, Kind::Skip) << text;
    }
  }
  EXPECT_FALSE(std::filesystem::exists(trace));
  expect_pass(kOpen + "`sysctl net.inet.tcp.sack.enable=1`\n`/tmp/sysctl_restore_1.sh`\n");
}

TEST(Player, timestamps_are_bound_to_what_the_stack_has_said) {
  const std::string opens = kListener
                            + "+0 < S 0:0(0) win 20000 <mss 1000,nop,nop,TS val 7 ecr 0>\n"
                              "+0 > S. 0:0(0) ack 1 <mss 1460,nop,nop,TS val 100 ecr 7>\n";
  expect_pass(opens + "+.1 < . 1:1(0) ack 1 win 20000 <nop,nop,TS val 107 ecr 100>\n");
  expect_fail(opens + "+.1 < . 1:1(0) ack 1 win 20000 <nop,nop,TS val 107 ecr 101>\n", 6,
              "never sent");
  const std::string ticks = "--tcp_ts_tick_usecs=1000\n" + opens
                            + "+.1 < P. 1:2(1) ack 1 win 20000 <nop,nop,TS val 107 ecr 100>\n";
  expect_pass(ticks + "+0 > . 1:1(0) ack 2 <nop,nop,TS val 200 ecr 107>\n");
  expect_fail(ticks + "+0 > . 1:1(0) ack 2 <nop,nop,TS val 250 ecr 107>\n", 8, "options");
}

TEST(Player, of_two_variants_the_standard_is_tried_first) {
  const std::string both = kListener + "+0 < S 0:0(0) win 20000 <mss 1000>\n#ifdef FreeBSD\n"
                           "+0 > S. 0:0(0) ack 1 <...>\n#endif\n#ifdef STANDARD\n"
                           "+0 > S. 0:0(0) ack 2 <...>\n#endif\n";
  const Verdict v = judged(both);
  EXPECT_EQ(v.kind, Kind::Pass);
  EXPECT_EQ(v.variant, "FreeBSD");
}

TEST(Player, waiting_for_what_never_comes_ends) {
  expect_fail(kOpen + "* > . 1:1(0) ack 1\n", 8, "nothing until");
}

TEST(Player, dialect_g_takes_a_super_packet_and_strict_segments_do_not) {
  const std::string writes = kOpen + "+0 write(4, ..., 2000) = 2000\n+0 > P. 1:2001(2000) ack 1\n";
  expect_pass(writes);
  expect_fail("--strict_segments\n" + writes, 10, "1:1001(1000)");
}

TEST(Rules, names_go_both_ways) {
  for (size_t i = 0; i < kRules; ++i) {
    const auto r = static_cast<Rule>(i);
    EXPECT_EQ(rule_named(name(r)), r);
  }
  EXPECT_EQ(rule_named("no-such-rule"), std::nullopt);
  EXPECT_FALSE(Rules(Profile::Strict).on(Rule::Windows));
  EXPECT_TRUE(Rules(Profile::Portable).on(Rule::Windows));
  EXPECT_FALSE(Rules(Profile::Portable).on(Rule::EarlyAck));
  EXPECT_TRUE(Rules(Profile::Linux).on(Rule::EarlyAck));
}

}  // namespace

}  // namespace rapport::play
