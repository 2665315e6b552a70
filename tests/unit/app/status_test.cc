// The status document: that docs/json.md names its fields and no others, its filters, its text, and
// the socket file it comes through.
#include "../stack/pair.hh"
#include "program.hh"
#include "rapport/app/serve_http.hh"
#include "rapport/app/serve_status.hh"
#include "rapport/app/status_report.hh"
#include "rapport/app/status_text.hh"
#include "rapport/app/verbs.hh"
#include "rapport/base/address.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/device/descriptor.hh"
#include "rapport/device/device.hh"
#include "rapport/observe/watch.hh"
#include "rapport/tcp/commands.hh"

#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rapport::app {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

// The server's view of: a listener, a connection with unread text, one in CLOSE-WAIT, one in
// TIME-WAIT.
class StatusTest : public testing::Test {
 protected:
  StatusTest() {
    pair.b.trace().enable(4096);
    tcp::Listen listen;
    listen.port = 80;
    listener = *pair.b.command(listen, pair.now);
    talking = open();
    (void)*pair.a.command(tcp::Send{talking, std::array<uint8_t, 10>{}, false}, pair.now);
    (void)pair.a.command(tcp::ShutdownWrite{open()}, pair.now);
    const Handle closing = open();
    (void)pair.b.command(tcp::Close{accepted}, pair.now);
    pair.settle();
    (void)pair.a.command(tcp::Close{closing}, pair.now);
    http.requests = 7;
    http.answers[200] = 5;
    pair.settle();
    pair.now = pair.now + 2_s;
  }

  Handle open() {
    tcp::Connect connect;
    connect.remote = {IpAddress::v4(10, 0, 0, 2), 80};
    const Handle handle = *pair.a.command(connect, pair.now);
    pair.settle();
    accepted = *pair.b.command(tcp::Accept{listener, 0}, pair.now);
    return handle;
  }

  Json report() {
    TraceRecord r;
    while (pair.b.trace().read(r)) watch.take(r);
    return status_report({pair.b, watch, http, device, 60_s, "rap0"}, pair.now);
  }

  test::Pair pair;
  observe::Watch watch;
  HttpCounters http;
  device::Counters device;
  Handle listener, talking, accepted;
};

// The first column of each table behind "## status: ...".
std::map<std::string, std::set<std::string>> documented() {
  std::ifstream in(GOLDEN "/../../../../docs/json.md");
  std::map<std::string, std::set<std::string>> out;
  std::string section;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("## ")) {
      section = line.starts_with("## status: ") ? line.substr(11) : std::string();
    }
    if (section.empty() || !line.starts_with("| `")) continue;
    const std::string cell = line.substr(1, line.find('|', 1) - 1);
    for (size_t at = cell.find('`'); at != std::string::npos; at = cell.find('`', at + 1)) {
      const size_t end = cell.find('`', at + 1);
      out[section].insert(cell.substr(at + 1, end - at - 1));
      at = end;
    }
  }
  return out;
}

void add_keys(std::set<std::string>& to, const Json& object) {
  for (const auto& [key, value] : object.items()) to.insert(key);
}

TEST_F(StatusTest, DocsJsonNamesEveryFieldAndNoOther) {
  std::map<std::string, std::set<std::string>> found;
  const Json document = report();
  add_keys(found["the object"], document);
  add_keys(found["population"], document["population"]);
  add_keys(found["counters"], document["counters"]);
  add_keys(found["http"], document["http"]);
  add_keys(found["device"], document["device"]);
  for (const Json& row : document["connections"]) add_keys(found["a connection"], row);
  EXPECT_EQ(found, documented());
}

TEST_F(StatusTest, StatesAndSentences) {
  const Json document = report();
  const std::map<std::string, int> states = document["states"];
  EXPECT_EQ(states, (std::map<std::string, int>{
                        {"LISTEN", 1}, {"ESTABLISHED", 1}, {"CLOSE-WAIT", 1}, {"TIME-WAIT", 1}}));
  EXPECT_EQ(document["population"]["listeners"], 1);
  EXPECT_EQ(document["population"]["time_wait"], 1);
  ASSERT_EQ(document["connections"].size(), 4U);
  std::map<std::string, Json> by_state;
  for (const Json& row : document["connections"]) by_state[row["state"]] = row;
  EXPECT_EQ(by_state["CLOSE-WAIT"]["move"], "application");
  EXPECT_EQ(by_state["CLOSE-WAIT"]["age_ms"], 2000);
  EXPECT_EQ(by_state["CLOSE-WAIT"]["segment"], "FIN,ACK");
  EXPECT_EQ(by_state["ESTABLISHED"]["receive_queue"], 10);
  EXPECT_EQ(by_state["ESTABLISHED"]["move"], "application");
  EXPECT_EQ(by_state["TIME-WAIT"]["timer_ms"], 58'000);
  EXPECT_EQ(by_state["LISTEN"]["remote"], "0.0.0.0:0");
  EXPECT_EQ(document["http"]["answers"], (Json{{"200", 5}}));
}

TEST_F(StatusTest, WithoutATraceConnectionsAreThereAllTheSame) {
  const observe::Watch blind;
  const Json document = status_report({pair.b, blind, http, device, 60_s, "rap0"}, pair.now);
  ASSERT_GE(document["connections"].size(), 2U);
  EXPECT_FALSE(document["connections"][0].contains("age_ms"));
  EXPECT_TRUE(document["connections"][0].contains("why"));
}

TEST_F(StatusTest, Filters) {
  const auto left = [&](const StatusFilter& filter) {
    Json document = report();
    keep_matching(filter, document);
    return document["connections"].size();
  };
  StatusFilter filter;
  EXPECT_EQ(left(filter), 4U);
  filter.states = {"close-wait"};
  EXPECT_EQ(left(filter), 1U);
  filter.states = {"close-wait", "LISTEN"};
  EXPECT_EQ(left(filter), 2U);
  filter.states.clear();
  filter.port = 80;
  EXPECT_EQ(left(filter), 4U);
  filter.port = 81;
  EXPECT_EQ(left(filter), 0U);
  filter.port.reset();
  filter.peer = Cidr{IpAddress::v4(10, 0, 0, 1), 32};
  EXPECT_EQ(left(filter), 3U);
  filter.peer = Cidr{IpAddress::v4(10, 1, 0, 0), 16};
  EXPECT_EQ(left(filter), 0U);
}

TEST_F(StatusTest, TheTextHasALineForEachAndTheCounts) {
  EXPECT_TRUE(status_text(report()).contains("\ninterface: 0 packets in, 0 out\n"));
  device.frames_in = 7;
  device.frames_out = 9;
  device.write_errors = 2;
  device.lost_by_faults = 3;
  const std::string text = status_text(report());
  for (const char* part :
       {"State", "Recv-Q", "CLOSE-WAIT", "the application's move", "states: ", "requests: 7",
        "interface: 7 packets in, 9 out; write errors 2, lost by faults 3\n",
        "answers, by status: 200 5", "ended, by reason: closed-by-us 1", "rtt "}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
}

// What `rapport status PATH` does when this is told there.
Outcome status_of(const std::string& path, const std::string& told) {
  auto file = SocketFile::make(path);
  EXPECT_TRUE(file) << file.error();
  const device::Descriptor listening(file->duplicate());
  (void)::fcntl(listening.get(), F_SETFL, 0);  // accept() waits
  std::thread server([&] {
    const device::Descriptor peer(::accept(listening.get(), nullptr, nullptr));
    (void)!::write(peer.get(), told.data(), told.size());
  });
  static constexpr std::array kVerbs{Verb{"status", add_status}};
  const std::array argv{"rapport", "status", path.c_str()};
  Outcome o;
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  o.status = run(kVerbs, static_cast<int>(argv.size()), argv.data());
  o.out = testing::internal::GetCapturedStdout();
  o.err = testing::internal::GetCapturedStderr();
  server.join();
  return o;
}

TEST_F(StatusTest, WhatIsNoStatusIsOneLine) {
  const std::string path =
      fs::path(testing::TempDir()) / ("rapport-odd-" + std::to_string(::getpid()));
  Json report_with_text_for_a_number = report();
  report_with_text_for_a_number["connections"][0]["ssthresh"] = "many";
  report_with_text_for_a_number["connections"][0]["cwnd"] = 1;
  Json report_with_a_list_for_a_word = report();
  report_with_a_list_for_a_word["connections"][0]["state"] = Json::array({1, 2});
  const std::string odd[] = {"",
                             "{}",
                             "[1]",
                             "null",
                             "{\"connections\": 7}",
                             "{\"connections\": [7]}",
                             "{\"connections\": [{\"state\": {}}]}",
                             report_with_text_for_a_number.dump(),
                             report_with_a_list_for_a_word.dump(),
                             "{\"connections\": [], \"omitted\": \"x\"}"};
  for (const std::string& told : odd) {
    const Outcome o = status_of(path, told);
    EXPECT_EQ(o.status, 1) << told;
    EXPECT_EQ(o.out, "") << told;
    EXPECT_NE(o.err.find("is no status of a `rapport serve`"), std::string::npos) << o.err;
    EXPECT_EQ(lines(o.err).size(), 1U) << o.err;
  }
  const Outcome good = status_of(path, report().dump());
  EXPECT_EQ(good.status, 0) << good.err;
  EXPECT_NE(good.out.find("CLOSE-WAIT"), std::string::npos);
}

class SocketFileTest : public testing::Test {
 protected:
  SocketFileTest()
      : path(fs::path(testing::TempDir()) / ("rapport-sock-" + std::to_string(::getpid()))) {
    fs::remove(path);
  }

  ~SocketFileTest() override { fs::remove(path); }

  fs::path path;
};

TEST_F(SocketFileTest, IsForItsOwnerAndGoesWithTheObject) {
  {
    auto file = SocketFile::make(path.string());
    ASSERT_TRUE(file) << file.error();
    struct stat about{};
    ASSERT_EQ(::lstat(path.c_str(), &about), 0);
    EXPECT_TRUE(S_ISSOCK(about.st_mode));
    EXPECT_EQ(about.st_mode & 0777U, 0600U);
    const auto second = SocketFile::make(path.string());
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().find("another program listens"), std::string::npos);
  }
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(SocketFileTest, WhatADeadProgramLeftIsReplacedAndNothingElse) {
  {
    auto dead = SocketFile::make(path.string());
    ASSERT_TRUE(dead);
    fs::rename(path, path.string() + "-kept");  // so that its end does not remove it
  }
  fs::rename(path.string() + "-kept", path);
  EXPECT_TRUE(SocketFile::make(path.string()));
  std::ofstream(path) << "a file";
  const auto file = SocketFile::make(path.string());
  ASSERT_FALSE(file);
  EXPECT_NE(file.error().find("is no socket"), std::string::npos);
  EXPECT_FALSE(SocketFile::make(std::string(200, 'x')));
  EXPECT_FALSE(SocketFile::make("/nowhere/at/all"));
}

}  // namespace
}  // namespace rapport::app
