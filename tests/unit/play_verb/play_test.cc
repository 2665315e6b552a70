// The verb `play`: which words are files, what is counted, the exit status, what stands on the
// command line for all scripts.
#include "tests/unit/play_verb/play.hh"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace rapport::app {

namespace {

using Words = std::vector<std::string>;

TEST(PlayVerb, AnOptionTakesOneWordAndLeavesTheFiles) {
  const Folder folder;
  const std::string a = folder.add("a.pkt", kPasses);
  const std::string b = folder.add("b.pkt", kFails);
  for (const Words& words :
       {Words{"--rule", "windows=off", a, b}, Words{"-D", "A=1", a, b},
        Words{"--rule", "windows=off", a, b, "--no-ladder"}, Words{"-D", "A=1", a, b, "--quiet"},
        Words{"--rule", "windows=off", "--rule", "syn-fin=on", a, b}}) {
    const Played p = play(words);
    EXPECT_EQ(p.status, 1) << p.err;
    EXPECT_EQ(p.last_line(), "1 passed, 1 failed, 0 skipped");
  }
}

TEST(PlayVerb, AnUnknownRuleIsOneLineWithTheNamesThatThereAre) {
  const Folder folder;
  const Played p = play({"--rule", "window=off", folder.add("a.pkt", kPasses)});
  EXPECT_EQ(p.status, 2);
  EXPECT_TRUE(p.out.empty()) << p.out;
  EXPECT_EQ(std::ranges::count(p.err, '\n'), 1) << p.err;
  EXPECT_TRUE(p.err.contains("--rule window=off: there is no such rule; there are: option-set, "));
  EXPECT_TRUE(p.err.ends_with("rfc793, icmp-errors\n")) << p.err;
}

TEST(PlayVerb, WhatIsSkippedHasItsLineAndWithNoSkipFails) {
  const Folder folder;
  const std::string call = folder.add("call.pkt", "\n0 raed(3, ..., 10) = 10\n");
  const std::string line =
      folder.add("line.pkt", "`no-such-command`\n0 socket(..., SOCK_STREAM, 0) = 3\n");
  const std::string option = folder.add("option.pkt", "--no_such_option=1\n0 close(3) = 0\n");
  const std::string code = folder.add(
      "code.pkt", "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n\n+0 %{ assert foo == 1 }%\n");
  const std::string fast = folder.add(
      "fast.pkt",
      "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 < S 0:0(0) win 1 <FO 1234abcd>\n");
  const auto begins = [](const Words& words, const std::string& with) {
    const Played p = play(words);
    EXPECT_EQ(p.status, 0);
    EXPECT_TRUE(p.out.starts_with(with)) << p.out;
  };
  begins({call}, "SKIP (the call raed()) " + call + ":2\n");
  begins({line}, "SKIP (the shell line `no-such-command`) " + line + ":1\n");
  begins({option}, "SKIP (the option --no_such_option=1) " + option + ":1\n");
  begins({code}, "SKIP (in code, the name 'foo') " + code + ":3\n");
  begins({fast}, "SKIP (TCP Fast Open) " + fast + ":2\n");
  EXPECT_TRUE(play({"--json", call}).out.contains(R"("line":2)"));
  EXPECT_EQ(play({"--no-skip", call}).status, 1);
  EXPECT_EQ(play({"--no-skip", call}).last_line(), "0 passed, 0 failed, 1 skipped");
  EXPECT_EQ(play({"--no-skip", folder.add("a.pkt", kPasses)}).status, 0);
}

TEST(PlayVerb, ExitStatusIsOneOfAFailureAndTwoOfWhatIsNoScript) {
  const Folder folder;
  const std::string passes = folder.add("a.pkt", kPasses);
  const std::string fails = folder.add("b.pkt", kFails);
  const std::string skips = folder.add("c.pkt", kSkips);
  const std::string none = folder.add("d.pkt", kIsNone);
  EXPECT_EQ(play({passes, skips}).status, 0);
  EXPECT_EQ(play({passes, fails, skips}).status, 1);
  EXPECT_EQ(play({passes, none}).status, 2);
  const Played all = play({folder.path()});
  EXPECT_EQ(all.status, 2);
  EXPECT_EQ(all.last_line(), "1 passed, 1 failed, 1 skipped");
  EXPECT_TRUE(all.err.contains("1 of 4 files is no script\n")) << all.err;
  EXPECT_TRUE(play({none}).err.contains("1 of 1 file is no script\n"));
  EXPECT_TRUE(play({none, none}).err.contains("2 of 2 files are no scripts\n"));
  const Played json = play({"--json", folder.path()});
  EXPECT_EQ(json.status, 2);
  EXPECT_EQ(json.last_line(), R"({"passed":1,"failed":1,"skipped":1,"errors":1})");
}

TEST(PlayVerb, TheHelpTellsTheExitStatus) {
  const Played p = play({"--help"});
  EXPECT_EQ(p.status, 0);
  EXPECT_TRUE(p.out.contains("2 when a file is no script")) << p.out;
}

TEST(PlayVerb, WhatCannotBeReadIsOneOfTheFilesThatAreNoScripts) {
  const Folder folder;
  const std::string passes = folder.add("a.pkt", kPasses);
  const std::string large = folder.add("b.pkt", std::string((size_t{1} << 20) + 1, ' '));
  const Played p = play({passes, large});
  EXPECT_EQ(p.status, 2);
  EXPECT_TRUE(p.out.starts_with("PASS ")) << p.out;
  EXPECT_TRUE(p.out.contains("b.pkt:1:1: expected a script of at most 1048576 octets")) << p.out;
  const Played missing = play({passes, folder.path() + "/none.pkt"});
  EXPECT_EQ(missing.status, 2);
  EXPECT_TRUE(missing.out.empty()) << missing.out;
  const std::string full =
      folder.add("c.pkt", std::string(size_t{1} << 20, ' ').replace(0, kPasses.size(), kPasses));
  EXPECT_EQ(play({full}).last_line(), "1 passed, 0 failed, 0 skipped");
}

TEST(PlayVerb, WhatWasAssumedIsNamed) {
  const Folder folder;
  const std::string a = folder.add("a.pkt", "`./defaults.sh`\n" + std::string(kPasses));
  EXPECT_TRUE(play({a}).out.contains("a.pkt (assumed: net.ipv4.tcp_rmem=")) << play({a}).out;
  const std::string json = play({"--json", a}).out;
  const auto verdict = nlohmann::json::parse(json.substr(0, json.find('\n')));
  EXPECT_EQ(verdict["verdict"], "PASS");
  EXPECT_TRUE(std::ranges::find(verdict["assumed"], "net.ipv4.tcp_frto=2")
              != verdict["assumed"].end())
      << json;
}

TEST(PlayVerb, VersionAndMtuOfTheCommandLineHoldWhereTheScriptSaysNothing) {
  const Folder folder;
  const auto opens = [&folder](const std::string& name, std::string_view options, int mss) {
    return folder.add(name, std::string(options)
                                + "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"
                                  "+0 bind(3, ..., ...) = 0\n+0 listen(3, 1) = 0\n"
                                  "+0 < S 0:0(0) win 1000 <mss 1000>\n+0 > S. 0:0(0) ack 1 <mss "
                                + std::to_string(mss) + ">\n");
  };
  const std::string v4 = opens("a.pkt", "", 1460);
  const std::string small4 = opens("b.pkt", "", 1360);
  const std::string small6 = opens("c.pkt", "", 1340);
  const std::string says = opens("d.pkt", "--mtu=1300\n--ip_version=ipv4\n", 1260);
  EXPECT_EQ(play({v4, says}).status, 0);
  EXPECT_EQ(play({"--mtu", "1400", small4, says}).status, 0);
  EXPECT_EQ(play({"--mtu", "1400", v4}).status, 1);
  EXPECT_EQ(play({"--mtu", "1400", "--ip-version", "ipv6", small6, says}).status, 0);
  EXPECT_EQ(play({"--mtu", "1400", "--ip-version", "ipv6", small4}).status, 1);
  EXPECT_TRUE(play({"--mtu", "67", v4}).err.contains("--mtu 67: a whole number from 68 to 65535"));
  EXPECT_TRUE(play({"--ip-version", "5", v4}).err.contains("--ip-version 5: ipv4, ipv6 and"));
  const std::string other = opens("e.pkt", "--local_ip=192.0.2.9\n", 1440);
  EXPECT_EQ(play({"--ip-version", "ipv6", other}).last_line(), "0 passed, 0 failed, 1 skipped");
}

TEST(PlayVerb, AMarkOfByteOrderIsNoPartOfTheScript) {
  const Folder folder;
  const std::string text(kPasses);
  const std::string mark = "\xEF\xBB\xBF";
  EXPECT_EQ(play({folder.add("a.pkt", mark + text)}).status, 0);
  const Played two = play({folder.add("b.pkt", mark + "#ifdef FreeBSD\n#endif\n" + text)});
  EXPECT_TRUE(two.out.contains("[STANDARD]")) << two.out;
  EXPECT_EQ(play({folder.add("c.pkt", mark + mark + text)}).status, 2);
  const Played wrong = play({folder.add("d.pkt", mark + "poem\n")});
  EXPECT_TRUE(wrong.out.contains("d.pkt:1:1: ")) << wrong.out;
}

TEST(PlayVerb, VerdictsComeInTheOrderOfTheFilesWhateverTheJobs) {
  const Folder folder;
  for (int i = 100; i < 160; ++i) {
    (void)folder.add(std::to_string(i) + ".pkt", i % 3 == 0 ? kFails : kPasses);
  }
  const Played one = play({"--no-ladder", folder.path()});
  const Played many = play({"--no-ladder", "--jobs", "8", folder.path()});
  EXPECT_EQ(one.status, 1);
  EXPECT_EQ(one.out, many.out);
  EXPECT_EQ(one.last_line(), "40 passed, 20 failed, 0 skipped");
}

}  // namespace

}  // namespace rapport::app
