// Each scenario of `rapport demo`, by its essential transitions.
#include "program.hh"
#include "rapport/app/demo_scenario.hh"

#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json_fwd.hpp>

namespace rapport::app {

namespace {

using Flags = std::vector<std::string>;

int64_t time_of(const nlohmann::json& r) {
  return r["t_ns"].get<int64_t>();
}

constexpr int64_t kSecond = 1'000'000'000;

TEST(Demo, Life) {
  const Trace t("life");
  EXPECT_EQ(t.path("client"), "CLOSED SYN-SENT ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT CLOSED");
  EXPECT_EQ(t.path("server"), "LISTEN SYN-RECEIVED ESTABLISHED CLOSE-WAIT LAST-ACK CLOSED");
  EXPECT_EQ(t.sent("client"), (Flags{"SYN", "ACK", "PSH,ACK", "ACK", "FIN,ACK", "ACK"}));
  EXPECT_EQ(t.sent("server"), (Flags{"SYN,ACK", "ACK", "PSH,ACK", "ACK", "FIN,ACK"}));
  const auto in = t.all("client", "transition", {{"to", "TIME-WAIT"}});
  const auto out = t.all("client", "transition", {{"from", "TIME-WAIT"}});
  ASSERT_EQ(in.size() + out.size(), 2U);
  EXPECT_EQ(time_of(out[0]) - time_of(in[0]), 60 * kSecond);
  for (const auto& r : t.all("client", "transition")) EXPECT_FALSE(r["clause"].empty());
}

TEST(Demo, LifeTellsWhoSentWhatAndWhatTheHandshakeProves) {
  const Trace t("life");
  const auto causes = [&](const std::string& host, const std::string& flags) {
    std::vector<std::string> out;
    for (const auto& r : t.all(host, "segment", {{"direction", "sent"}, {"flags", flags}}))
      out.push_back(r["cause"]);
    return out;
  };
  EXPECT_EQ(causes("client", "FIN,ACK"), Flags{"call"});
  EXPECT_EQ(causes("server", "FIN,ACK"), Flags{"call"});
  EXPECT_EQ(causes("client", "SYN"), Flags{"call"});
  for (const auto& host : {"client", "server"}) {
    for (const std::string& c : causes(host, "ACK")) EXPECT_EQ(c, "stack");
  }
  const std::string text = rapport({"demo", "life", "--width", "120"}).out;
  EXPECT_NE(text.find("SYN      tells the server:  client sends, server receives"),
            std::string::npos);
  EXPECT_NE(
      text.find("SYN,ACK  tells the client:  server sends, client receives; client sends, server"),
      std::string::npos);
  EXPECT_NE(text.find("ACK      tells the server:  server sends, client receives"),
            std::string::npos);
  EXPECT_NE(text.find("stay apart"), std::string::npos);
}

TEST(Demo, Negotiation) {
  const Trace t("negotiation");
  const auto agreed = t.all("client", "options");
  ASSERT_EQ(agreed.size(), 3U);
  EXPECT_EQ(agreed[0]["mss_received"], 1200);
  EXPECT_EQ(agreed[0]["mss_sent"], 1460);
  EXPECT_TRUE(agreed[0]["scaling"] && agreed[0]["sack"] && agreed[0]["timestamps"]);
  EXPECT_NE(agreed[0]["window_scale_sent"], agreed[0]["window_scale_received"]);
  EXPECT_FALSE(agreed[1]["scaling"] || agreed[1]["sack"] || agreed[1]["timestamps"]);
  EXPECT_TRUE(!agreed[2]["scaling"] && agreed[2]["sack"] && agreed[2]["timestamps"]);
  const auto filtered = t.all("filtered host", "segment", {{"flags", "SYN"}});
  ASSERT_EQ(filtered.size(), 1U);
  EXPECT_FALSE(filtered[0]["options"].contains("window_scale"));
  EXPECT_TRUE(filtered[0]["options"].contains("mss"));
  const auto old_answer = t.all("old host", "segment", {{"flags", "SYN,ACK"}});
  ASSERT_EQ(old_answer.size(), 1U);
  EXPECT_EQ(old_answer[0]["options"], (nlohmann::json{{"mss", 1460}}));
}

TEST(Demo, SimultaneousOpen) {
  const Trace t("simultaneous-open");
  for (const auto& host : {"left", "right"})
    EXPECT_EQ(t.path(host).find("CLOSED SYN-SENT SYN-RECEIVED ESTABLISHED"), 0U) << t.path(host);
  EXPECT_EQ(t.sent("left")[0], "SYN");
  EXPECT_EQ(t.sent("right")[0], "SYN");
}

TEST(Demo, HalfClose) {
  const Trace t("half-close");
  EXPECT_EQ(t.path("client"), "CLOSED SYN-SENT ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT CLOSED");
  int octets = 0;
  for (const auto& r :
       t.all("client", "segment", {{"direction", "received"}, {"state", "FIN-WAIT-2"}}))
    octets += r["length"].get<int>();
  EXPECT_EQ(octets, 11);
}

TEST(Demo, ThreeSegmentClose) {
  const Trace t("three-segment-close");
  EXPECT_EQ(t.path("client"), "CLOSED SYN-SENT ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT CLOSED");
  const auto through = t.all("client", "transition", {{"from", "FIN-WAIT-2"}});
  const auto into = t.all("client", "transition", {{"to", "FIN-WAIT-2"}});
  ASSERT_EQ(through.size() + into.size(), 2U);
  EXPECT_EQ(time_of(through[0]), time_of(into[0]));
  // One segment acknowledged and finished: from its FIN on, the server sent nothing else.
  EXPECT_EQ(t.all("server", "segment", {{"direction", "sent"}, {"state", "CLOSE-WAIT"}}).size(),
            0U);
  EXPECT_EQ(t.all("server", "segment", {{"direction", "sent"}, {"state", "LAST-ACK"}}).size(), 1U);
  EXPECT_EQ(t.path("server"), "LISTEN SYN-RECEIVED ESTABLISHED CLOSE-WAIT LAST-ACK CLOSED");
}

TEST(Demo, SimultaneousClose) {
  const Trace t("simultaneous-close");
  EXPECT_EQ(t.path("client"), "CLOSED SYN-SENT ESTABLISHED FIN-WAIT-1 CLOSING TIME-WAIT CLOSED");
  EXPECT_EQ(t.path("server"),
            "LISTEN SYN-RECEIVED ESTABLISHED FIN-WAIT-1 CLOSING TIME-WAIT CLOSED");
}

TEST(Demo, CloseWait) {
  const Trace t("close-wait");
  const auto in = t.all("server", "transition", {{"to", "CLOSE-WAIT"}});
  const auto out = t.all("server", "transition", {{"from", "CLOSE-WAIT"}});
  ASSERT_EQ(in.size() + out.size(), 2U);
  EXPECT_GE(time_of(out[0]) - time_of(in[0]), 3600 * kSecond);
  EXPECT_EQ(out[0]["event"], "close called");
  EXPECT_EQ(t.all("client", "ended", {{"reason", "orphan-timed-out"}}).size(), 1U);
}

TEST(Demo, CloseWaitIsLeftByTheEndOfTheProcessNotByACall) {
  const std::string text = rapport({"demo", "close-wait", "--ascii"}).out;
  EXPECT_NE(text.find("* the process ends"), std::string::npos);
  size_t calls = 0;
  for (size_t at = text.find("* close()"); at != std::string::npos;
       at = text.find("* close()", at + 1))
    ++calls;
  EXPECT_EQ(calls, 1U) << text;  // the client's
}

TEST(Demo, LostSyn) {
  const Trace t("lost-syn");
  EXPECT_EQ(t.all("client", "wire", {{"fate", "lost"}}).size(), 1U);
  const auto fired = t.all("client", "timer", {{"timer", "syn-retransmission"}});
  ASSERT_EQ(fired.size(), 1U);
  EXPECT_EQ(time_of(fired[0]), kSecond);
  const auto syns = t.all("client", "segment", {{"direction", "sent"}, {"flags", "SYN"}});
  ASSERT_EQ(syns.size(), 2U);
  EXPECT_EQ(syns[0]["seq"], syns[1]["seq"]);
}

TEST(Demo, LostAckOfHandshake) {
  const Trace t("lost-ack-of-handshake");
  const auto client = t.all("client", "transition", {{"to", "ESTABLISHED"}});
  const auto server = t.all("server", "transition", {{"to", "ESTABLISHED"}});
  ASSERT_EQ(client.size() + server.size(), 2U);
  EXPECT_GT(time_of(server[0]) - time_of(client[0]), kSecond / 2);
  EXPECT_EQ(t.all("server", "segment", {{"direction", "sent"}, {"flags", "SYN,ACK"}}).size(), 2U);
}

TEST(Demo, LostFinalAck) {
  const Trace t("lost-final-ack");
  const auto fins = t.all("server", "segment", {{"direction", "sent"}, {"flags", "FIN,ACK"}});
  ASSERT_EQ(fins.size(), 2U);
  EXPECT_TRUE(fins[1]["retransmission"]);
  const auto again =
      t.all("client", "segment",
            {{"direction", "received"}, {"flags", "FIN,ACK"}, {"state", "TIME-WAIT"}});
  ASSERT_EQ(again.size(), 1U);
  const auto out = t.all("client", "transition", {{"from", "TIME-WAIT"}});
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(time_of(out[0]) - time_of(again[0]), 60 * kSecond);  // 2MSL began anew
  const std::string text = rapport({"demo", "lost-final-ack", "--ascii"}).out;
  EXPECT_NE(text.find("the FIN again: 2MSL starts anew"), std::string::npos);
  EXPECT_EQ(text.find("x dropped"), std::string::npos);
}

TEST(Demo, OldDuplicateSyn) {
  const Trace t("old-duplicate-syn");
  EXPECT_EQ(
      t.all("client", "segment", {{"direction", "sent"}, {"flags", "RST"}, {"state", "SYN-SENT"}})
          .size(),
      1U);
  const std::string path = t.path("server");
  EXPECT_EQ(path.find("LISTEN SYN-RECEIVED LISTEN SYN-RECEIVED ESTABLISHED"), 0U) << path;
}

TEST(Demo, HalfOpen) {
  const Trace t("half-open");
  const auto reset = t.all("server", "transition", {{"event", "RST arrived"}});
  ASSERT_EQ(reset.size(), 1U);
  EXPECT_EQ(reset[0]["from"], "ESTABLISHED");
  const auto challenge = t.all("server", "drop", {{"reason", "syn-challenged"}});
  EXPECT_EQ(challenge.size(), 1U);
  EXPECT_EQ(t.all("server", "transition", {{"to", "ESTABLISHED"}}).size(), 2U);
}

TEST(Demo, Refused) {
  const Trace t("refused");
  EXPECT_EQ(t.path("client"), "CLOSED SYN-SENT CLOSED");
  EXPECT_EQ(t.sent("server"), Flags{"RST,ACK"});
  EXPECT_EQ(t.all("client", "ended", {{"reason", "refused"}}).size(), 1U);
}

TEST(Demo, Reset) {
  const Trace t("reset");
  EXPECT_EQ(t.path("client"), "CLOSED SYN-SENT ESTABLISHED CLOSED");
  EXPECT_EQ(t.path("server"), "LISTEN SYN-RECEIVED ESTABLISHED CLOSED");
  EXPECT_EQ(t.all("server", "ended", {{"reason", "reset-by-peer"}}).size(), 1U);
}

TEST(Demo, ChallengeAck) {
  const Trace t("challenge-ack");
  EXPECT_EQ(t.all("server", "drop", {{"reason", "rst-challenged"}}).size(), 1U);
  EXPECT_EQ(t.all("server", "drop", {{"reason", "syn-challenged"}}).size(), 1U);
  EXPECT_EQ(t.path("server"), "LISTEN SYN-RECEIVED ESTABLISHED CLOSE-WAIT LAST-ACK CLOSED");
}

TEST(Demo, ZeroWindow) {
  const Trace t("zero-window");
  EXPECT_GE(t.all("client", "timer", {{"timer", "persist"}}).size(), 3U);
  EXPECT_GE(t.all("client", "segment", {{"direction", "received"}, {"window", 0}}).size(), 3U);
  int octets = 0;
  for (const auto& r : t.all("server", "call", {{"call", "receive"}, {"failed", false}}))
    octets += r["octets"].get<int>();
  EXPECT_EQ(octets, 8000);
}

TEST(Demo, TimeWaitReuse) {
  const Trace t("time-wait-reuse");
  EXPECT_NE(t.path("server").find("TIME-WAIT SYN-RECEIVED ESTABLISHED"), std::string::npos)
      << t.path("server");
  EXPECT_EQ(t.all("server", "transition", {{"event", "tuple reused"}}).size(), 1U);
}

TEST(Demo, KeepAlive) {
  const Trace t("keep-alive");
  const auto fired = t.all("client", "timer", {{"timer", "keep-alive"}});
  ASSERT_GE(fired.size(), 4U);
  EXPECT_GE(time_of(fired[0]), 7200 * kSecond);
  EXPECT_LT(time_of(fired[0]), 7201 * kSecond);
  EXPECT_EQ(t.all("client", "ended", {{"reason", "keep-alive-timed-out"}}).size(), 1U);
}

// --- all of them ---

// Under the heading, without the line about the wire's faults.
size_t sentences(const std::string& out) {
  size_t n = 0;
  const std::string text = out.substr(out.find("What was seen"));
  for (size_t i = 0; i + 1 < text.size(); ++i) {
    const bool ends = text[i] == '.' || text[i] == '?' || text[i] == '!';
    n += ends && (text[i + 1] == ' ' || text[i + 1] == '\n') ? 1 : 0;
  }
  return n - (text.find("In this run the wire lost") == std::string::npos ? 0 : 1);
}

TEST(Demo, EachEndsWithAtMostThreeSentences) {
  for (const Scenario& s : all_scenarios()) {
    const std::string name(s.name);
    for (const char* loss : {"0", "0.2"}) {
      for (const char* seed : {"1", "5"}) {
        const Outcome o = rapport({"demo", name, "--loss", loss, "--seed", seed});
        EXPECT_GE(sentences(o.out), 1U) << o.out;
        EXPECT_LE(sentences(o.out), 3U) << o.out;
      }
    }
    EXPECT_GE(sentences(rapport({"demo", name}).out), 2U) << name;
  }
}

TEST(Demo, EveryEventHasItsWordsInEightyColumns) {
  for (const Scenario& s : all_scenarios()) {
    const Outcome o = rapport({"demo", std::string(s.name), "--width", "80", "--ascii"});
    EXPECT_EQ(o.out.find("|   3."), std::string::npos) << o.out;
    EXPECT_EQ(o.out.find("x dropped: outside the window"), std::string::npos) << o.out;
  }
}

TEST(Demo, EveryScenarioShowsWhatItIsForWithoutFaults) {
  for (const Scenario& s : all_scenarios()) {
    for (const char* seed : {"1", "2", "77"}) {
      const Outcome o = rapport({"demo", std::string(s.name), "--seed", seed});
      EXPECT_EQ(o.status, 0) << s.name;
      EXPECT_EQ(o.out.find("led this run another way"), std::string::npos) << o.out;
    }
  }
}

TEST(Demo, TheSameSeedPrintsTheSameBytes) {
  for (const Scenario& s : all_scenarios()) {
    const std::vector<std::string> arguments{
        "demo", std::string(s.name), "--seed", "9",         "--loss",
        "0.1",  "--duplicate",       "0.1",    "--reorder", "0.1"};
    EXPECT_EQ(rapport(arguments).out, rapport(arguments).out) << s.name;
  }
  EXPECT_NE(rapport({"demo", "--seed", "1", "--json"}).out,
            rapport({"demo", "--seed", "2", "--json"}).out);
}

TEST(Demo, EveryRunEndsWhateverTheWireDoes) {
  for (const Scenario& s : all_scenarios()) {
    for (int seed = 1; seed <= 6; ++seed) {
      for (const char* loss : {"0.15", "0.5", "1"}) {
        const Outcome o =
            rapport({"demo", std::string(s.name), "--seed", std::to_string(seed), "--loss", loss,
                     "--duplicate", "0.2", "--reorder", "0.2", "--width", "80", "--ascii"});
        EXPECT_EQ(o.status, 0) << s.name;
        for (const std::string& l : lines(o.out)) EXPECT_LE(l.size(), 80U) << s.name << ": " << l;
      }
    }
  }
}

TEST(Demo, AnyDelayIsPlayed) {
  for (const Scenario& s : all_scenarios()) {
    for (const char* delay : {"0", "400", "10000"})
      EXPECT_EQ(rapport({"demo", std::string(s.name), "--delay", delay}).status, 0) << s.name;
  }
}

}  // namespace

}  // namespace rapport::app
