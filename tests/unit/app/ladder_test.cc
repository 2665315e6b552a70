// The verb `ladder`: what it draws of captures and of JSON, and what it says of broken files.
#include "program.hh"
#include "rapport/app/demo_scenario.hh"
#include "rapport/app/ladder_links.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <ios>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <pcap/dlt.h>
#include <unistd.h>

namespace rapport::app {

namespace {

std::string scratch(const std::string& name) {
  return testing::TempDir() + "rapport-" + std::to_string(::getpid()) + "-" + name;
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_file(const std::string& path, std::string_view octets) {
  std::ofstream out(path, std::ios::binary);
  out << octets;
}

// The capture of a scenario, in a file that goes with it.
class Captured {
 public:
  explicit Captured(const std::string& scenario) : path_(scratch(scenario + ".pcapng")) {
    EXPECT_EQ(rapport({"demo", scenario, "--pcap", path_}).status, 0);
  }

  explicit Captured(const std::string& name, std::string_view octets) : path_(scratch(name)) {
    write_file(path_, octets);
  }

  Captured(const Captured&) = delete;
  Captured& operator=(const Captured&) = delete;

  ~Captured() { (void)::unlink(path_.c_str()); }

  [[nodiscard]] const std::string& path() const { return path_; }

  [[nodiscard]] std::string octets() const { return read_file(path_); }

  [[nodiscard]] Outcome ladder(std::vector<std::string> more = {}) const {
    std::vector<std::string> all{"ladder", path_, "--color", "never"};
    all.insert(all.end(), more.begin(), more.end());
    return rapport(all);
  }

 private:
  std::string path_;
};

size_t count(std::string_view text, std::string_view what) {
  size_t n = 0;
  for (size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

// What stands below the first line, which names the file. A wanted change: print it anew.
TEST(Ladder, OfSmallCapturesIsAsStored) {
  for (const std::string name : {"life", "lost-final-ack", "refused", "zero-window"}) {
    const Captured capture(name);
    const Outcome o = capture.ladder();
    EXPECT_EQ(o.status, 0) << o.err;
    const std::string below = o.out.substr(o.out.find('\n') + 1);
    const std::string file = std::string(GOLDEN) + "/ladder-" + name + ".txt";
    EXPECT_EQ(below, read_file(file)) << file;
  }
}

TEST(Ladder, OfJsonIsWhatDemoDraws) {
  for (const Scenario& s : all_scenarios()) {
    for (const std::string loss : {"0", "0.1"}) {
      const std::vector<std::string> more{"--loss", loss, "--seed", "3"};
      std::vector<std::string> json{"demo", std::string(s.name), "--json"};
      std::vector<std::string> drawn{"demo", std::string(s.name), "--color", "never"};
      json.insert(json.end(), more.begin(), more.end());
      drawn.insert(drawn.end(), more.begin(), more.end());
      const Captured lines("lines.json", rapport(json).out);
      const Outcome o = lines.ladder();
      EXPECT_EQ(o.status, 0) << o.err;
      const std::string demo = rapport(drawn).out;
      const size_t first = o.out.find("\n1\n");
      ASSERT_NE(first, std::string::npos) << o.out;
      size_t number = 1, at = first;
      while (at != std::string::npos) {
        const std::string title = "\n" + std::to_string(number) + "\n";
        const size_t begin = at + title.size();
        at = o.out.find("\n\n" + std::to_string(++number) + "\n", begin);
        const std::string ladder =
            o.out.substr(begin, at == std::string::npos ? at : at + 1 - begin);
        if (at != std::string::npos) ++at;
        EXPECT_NE(demo.find(ladder), std::string::npos) << s.name << "\n" << ladder << "\n" << demo;
      }
    }
  }
}

TEST(Ladder, ChoosesByNumberAndPort) {
  const Captured capture("negotiation");
  EXPECT_EQ(count(capture.ladder().out, "end of the capture"), 3U);
  const Outcome second = capture.ladder({"--connection", "2"});
  EXPECT_EQ(count(second.out, "end of the capture"), 1U);
  EXPECT_NE(second.out.find("\n2\n"), std::string::npos);
  EXPECT_EQ(count(capture.ladder({"--port", "80"}).out, "end of the capture"), 3U);
  EXPECT_EQ(count(capture.ladder({"--port", "81"}).out, "end of the capture"), 0U);
  const Outcome none = capture.ladder({"--connection", "4"});
  EXPECT_EQ(none.status, 2);
  EXPECT_NE(none.err.find("--connection 4: "), std::string::npos) << none.err;
}

TEST(Ladder, SaysWhatHappened) {
  EXPECT_NE(Captured("refused").ladder().out.find("  refused"), std::string::npos);
  EXPECT_NE(Captured("reset").ladder().out.find("reset by left"), std::string::npos);
  EXPECT_NE(Captured("lost-syn").ladder().out.find("SYN seq=0 resent"), std::string::npos);
  const std::string probes = Captured("zero-window").ladder().out;
  EXPECT_NE(probes.find("the window is closed"), std::string::npos) << probes;
  EXPECT_NE(probes.find("probe of a closed window"), std::string::npos) << probes;
  EXPECT_NE(Captured("keep-alive").ladder().out.find("keep-alive: is anybody there?"),
            std::string::npos);
}

TEST(Ladder, FitsItsWidth) {
  for (const Scenario& s : all_scenarios()) {
    const Captured capture{std::string(s.name)};
    for (const std::string& l : lines(capture.ladder({"--width", "80", "--ascii"}).out)) {
      if (l.find("10.0.0.") != std::string::npos || l.find(".pcapng") != std::string::npos)
        continue;
      EXPECT_LE(l.size(), 80U) << s.name << ": " << l;
    }
  }
}

// --- broken files ---

TEST(Ladder, OfACutCaptureShowsWhatIsThere) {
  for (const std::string name : {"life", "reset"}) {
    const std::string octets = Captured(name).octets();
    size_t shown = 0;
    std::array<size_t, 3> by_status{};
    for (size_t n = 0; n <= octets.size(); ++n) {
      const Captured cut("cut.pcapng", std::string_view(octets).substr(0, n));
      const Outcome o = cut.ladder();
      ASSERT_TRUE(o.status >= 0 && o.status <= 2) << n;
      ++by_status.at(static_cast<size_t>(o.status));
      EXPECT_EQ(lines(o.err).size(), o.status == 0 ? 0U : 1U) << n << ": " << o.err;
      const size_t rows = count(o.out, " seq=");
      EXPECT_GE(rows, shown) << n;
      shown = rows;
    }
    EXPECT_GT(by_status[0], 5U);    // between two blocks
    EXPECT_GT(by_status[1], 400U);  // in one
    EXPECT_GT(by_status[2], 20U);   // before the first interface
    EXPECT_EQ(shown, count(Captured(name).ladder().out, " seq="));
  }
}

TEST(Ladder, OfADamagedCaptureEnds) {
  const std::string octets = Captured("half-close").octets();
  uint64_t draw = 88172645463325252ULL;
  const auto next = [&] {
    draw ^= draw << 13;
    draw ^= draw >> 7;
    draw ^= draw << 17;
    return draw;
  };
  for (int i = 0; i < 500; ++i) {
    std::string damaged = octets;
    for (uint64_t n = 1 + next() % 6; n > 0; --n)
      damaged[next() % damaged.size()] = static_cast<char>(next());
    const Outcome o = Captured("damaged.pcapng", damaged).ladder();
    EXPECT_TRUE(o.status >= 0 && o.status <= 2);
    EXPECT_LE(lines(o.err).size(), 1U) << o.err;
  }
}

TEST(Ladder, OfCutJsonShowsWhatIsThere) {
  const std::string json = rapport({"demo", "life", "--json"}).out;
  const Outcome cut =
      Captured("cut.json", std::string_view(json).substr(0, json.size() - 40)).ladder();
  EXPECT_EQ(cut.status, 1);
  EXPECT_NE(cut.out.find("SYN seq=0"), std::string::npos);
  EXPECT_NE(cut.err.find("no record of demo --json: no JSON, from column "), std::string::npos)
      << cut.err;
  const Outcome other = Captured("other.json", json + "{\"host\":\"A\"}\n").ladder();
  EXPECT_EQ(other.status, 1);
  EXPECT_NE(other.err.find(": key 'kind' not found"), std::string::npos) << other.err;
  EXPECT_EQ(other.err.find("json.exception"), std::string::npos) << other.err;
  EXPECT_EQ(Captured("no.json", "{\"kind\":\"dance\"}\n").ladder().status, 2);
  EXPECT_EQ(Captured("no.json", "{").ladder().status, 2);
}

TEST(Ladder, OfJsonTakesWholeNumbersOnly) {
  const std::string json = rapport({"demo", "life", "--json"}).out;
  const size_t at = json.find("\"serial\":") + 9;
  const size_t end = json.find_first_of(",}", at);
  for (const std::string_view wrong :
       {"2.2e120", "1.5", "-1", "\"7\"", "null", "4294967296", "1e400"}) {
    std::string damaged = json;
    damaged.replace(at, end - at, wrong);
    const Outcome o = Captured("damaged.json", damaged).ladder();
    EXPECT_NE(o.status, 0) << wrong;
    EXPECT_EQ(lines(o.err).size(), 1U) << wrong << ": " << o.err;
  }
  std::string damaged = json;
  damaged.replace(at, end - at, "1.5");
  EXPECT_NE(Captured("damaged.json", damaged).ladder().err.find("serial is no whole number"),
            std::string::npos);
}

TEST(Ladder, WhatIsNoCaptureIsOneLineAndStatusTwo) {
  struct Case {
    std::vector<std::string> arguments;
    std::string_view says;
  };

  const Captured text("text", "this is no capture\n");
  const Captured empty("empty", "");
  const Captured life("life");
  const Case cases[] = {
      {{text.path()}, "no capture (pcap, pcapng) and no lines of demo --json"},
      {{empty.path()}, "no capture"},
      {{testing::TempDir()}, "is a folder"},
      {{"/nowhere/at-all.pcap"}, "/nowhere/at-all.pcap: No such file"},
      {{}, "FILE"},
      {{life.path(), "--limit", "3"}, "--limit 3: a whole number from 4"},
      {{life.path(), "--port", "0"}, "--port 0: a whole number from 1"},
      {{life.path(), "--connection", "x"}, "--connection x: a whole number"},
      {{life.path(), "--width", "20"}, "--width 20"},
  };
  for (const Case& c : cases) {
    std::vector<std::string> all{"ladder"};
    all.insert(all.end(), c.arguments.begin(), c.arguments.end());
    const Outcome o = rapport(all);
    EXPECT_EQ(o.status, 2) << c.says;
    EXPECT_EQ(lines(o.err).size(), 1U) << o.err;
    EXPECT_NE(o.err.find(c.says), std::string::npos) << o.err;
  }
}

TEST(Ladder, DemoSaysWhyItCannotWriteACapture) {
  const Outcome nowhere = rapport({"demo", "--pcap", "/nowhere/at-all.pcapng"});
  EXPECT_EQ(nowhere.status, 2);
  EXPECT_NE(nowhere.err.find("cannot write it: No such file"), std::string::npos) << nowhere.err;
  const Outcome nobody = rapport({"demo", "--pcap", "/dev/null", "--pcap-at", "nobody"});
  EXPECT_NE(nobody.err.find("--pcap-at nobody: the hosts are: client, server"), std::string::npos);
}

// --- link layers ---

using Octets = std::vector<uint8_t>;

// A pcap file (microseconds) with this link type that holds these frames.
std::string pcap_file(uint32_t link, const std::vector<Octets>& frames) {
  std::string out;
  const auto put32 = [&](uint32_t n) { out.append(reinterpret_cast<const char*>(&n), 4); };
  put32(0xa1b2c3d4);
  put32(0x00040002);
  put32(0);
  put32(0);
  put32(65535);
  put32(link);
  for (const Octets& f : frames) {
    put32(1);
    put32(0);
    put32(static_cast<uint32_t>(f.size()));
    put32(static_cast<uint32_t>(f.size()));
    out.append(f.begin(), f.end());
  }
  return out;
}

// A SYN from 10.0.0.1:1234 to 10.0.0.2:80 behind `before`.
Octets syn_behind(Octets before) {
  const Octets ip{0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2};
  const Octets tcp{4, 210, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 4, 0, 0, 0, 0, 0};
  before.insert(before.end(), ip.begin(), ip.end());
  before.insert(before.end(), tcp.begin(), tcp.end());
  return before;
}

TEST(Ladder, OfALoopbackIsInMicroseconds) {
  constexpr uint32_t kRawIp = 101;
  constexpr size_t kMicroseconds = 24 + (16 + 40) + 4;  // of the second packet
  std::string octets = pcap_file(kRawIp, {syn_behind({}), syn_behind({})});
  octets[kMicroseconds] = 123;
  const Outcome o = Captured("short.pcap", octets).ladder();
  EXPECT_EQ(o.status, 0) << o.err;
  EXPECT_NE(o.out.find("\n0.000000 SYN-SENT"), std::string::npos) << o.out;
  EXPECT_NE(o.out.find("\n0.000123 SYN-SENT"), std::string::npos) << o.out;
}

TEST(Ladder, ReadsEveryLinkLayer) {
  const Octets macs(12, 7);
  const auto ethernet = [&](Octets type) {
    Octets out = macs;
    out.insert(out.end(), type.begin(), type.end());
    return syn_behind(out);
  };
  Octets sll(14, 0), sll2(20, 0);
  sll.insert(sll.end(), {8, 0});
  sll2[0] = 8;

  struct Case {
    uint32_t link;  // as in files
    Octets frame;
  };

  const Case cases[] = {
      {1, ethernet({8, 0})},
      {1, ethernet({0x81, 0, 0, 5, 8, 0})},
      {1, ethernet({0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 8, 0})},
      {101, syn_behind({})},
      {228, syn_behind({})},
      {113, syn_behind(sll)},
      {276, syn_behind(sll2)},
      {0, syn_behind({2, 0, 0, 0})},
      {108, syn_behind({0, 0, 0, 2})},
  };
  for (const Case& c : cases) {
    const Outcome o = Captured("link.pcap", pcap_file(c.link, {c.frame})).ladder();
    EXPECT_EQ(o.status, 0) << o.err;
    EXPECT_NE(o.out.find("10.0.0.1:1234 – 10.0.0.2:80  1 segment"), std::string::npos)
        << c.link << "\n"
        << o.out;
    // Frames that are cut short are counted, not read beyond.
    std::vector<Octets> cut;
    for (size_t n = 0; n < c.frame.size(); ++n)
      cut.emplace_back(c.frame.begin(), c.frame.begin() + static_cast<std::ptrdiff_t>(n));
    const Outcome short_ones = Captured("cut.pcap", pcap_file(c.link, cut)).ladder();
    EXPECT_EQ(short_ones.status, 0) << short_ones.err;
    EXPECT_NE(short_ones.out.find("0 connections"), std::string::npos) << short_ones.out;
  }
  const Outcome other = Captured("other.pcap", pcap_file(105, {{1, 2, 3}})).ladder();
  EXPECT_EQ(other.status, 2);
  EXPECT_NE(other.err.find("link type IEEE802_11; what can be read are Ethernet"),
            std::string::npos)
      << other.err;
}

TEST(Ladder, CountsWhatIsNoSegment) {
  Octets arp(12, 7);
  arp.insert(arp.end(), {8, 6, 0, 1});
  Octets macs(12, 7);
  macs.insert(macs.end(), {8, 0});
  Octets udp = syn_behind(macs);
  udp[14 + 9] = 17;
  const Outcome o = Captured("mix.pcap", pcap_file(1, {arp, udp, syn_behind(macs)})).ladder();
  EXPECT_NE(o.out.find("3 packets, 1 connection"), std::string::npos) << o.out;
  EXPECT_NE(o.out.find("packets without a segment: 1 of other families, 1 of other protocols"),
            std::string::npos)
      << o.out;
}

}  // namespace

}  // namespace rapport::app
