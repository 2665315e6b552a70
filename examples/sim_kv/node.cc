// What a replica does with questions, and with silence.
#include "node.hh"

#include "message.hh"
#include "rapport/socket/coroutine/timeout.hh"
#include "rapport/socket/coroutine/waiting.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace kv {

using namespace rapport;

namespace {

constexpr Duration kAnswer = 300_ms;   // longer than any way there and back
constexpr Duration kBeat = 100_ms;     // of a leader
constexpr Duration kSilence = 600_ms;  // and up to as much again: the leader is believed dead

std::vector<Entry> log_of(const Words& words, size_t from) {
  std::vector<Entry> log;
  for (size_t i = from; i + 1 < words.size(); i += 2) {
    log.push_back({words[i], number(words[i + 1])});
  }
  return log;
}

}  // namespace

// The answers of the others to one question.
struct Node::Round {
  coroutine::Gate over;
  uint32_t silent_or_answered = 0, agreed = 0;
  std::vector<Words> answers;
};

Node::Node(coroutine::Host& host, Disk& disk, NodeConfig config)
    : host_(&host), disk_(&disk), config_(std::move(config)), random_(config_.seed) {}

void Node::start() {
  heard_ = host_->now();
  host_->spawn(serve());
  host_->spawn(watch());
}

Node::Task<> Node::serve() {
  auto listening = host_->listen(kPort);
  if (!listening) co_return;
  listener_ = std::move(*listening);
  for (;;) {
    auto accepting = listener_.accept();
    auto stream = co_await accepting;
    if (!stream) co_return;
    host_->spawn(answer(std::move(*stream)));
  }
}

Node::Task<> Node::answer(coroutine::Stream stream) {
  auto reading = read_line(stream);
  const auto question = co_await reading;
  if (!question) co_return;
  auto working = carry_out(*question);
  std::string said = co_await working;
  auto writing = write_line(stream, std::move(said));
  (void)co_await writing;
}

Node::Task<std::string> Node::carry_out(std::string question) {
  const Words words = split(question);
  const std::string what = words.empty() ? "" : words[0];
  if (what == "APPEND" && words.size() >= 2) co_return append(words);
  if (what == "VIEW" && words.size() == 2) co_return promise(number(words[1]));
  if (what == "PUT" && words.size() == 3) {
    auto putting = put(words[1], number(words[2]));
    std::string said = co_await putting;
    co_return said;
  }
  if (what == "GET" && words.size() == 2) {
    auto getting = get(words[1]);
    std::string said = co_await getting;
    co_return said;
  }
  co_return "WHAT";
}

// --- for clients ---------------------------------------------------------------------------------

Node::Task<std::string> Node::put(std::string key, uint64_t version) {
  if (!leading_) co_return "ELSEWHERE";
  disk_->log.push_back({std::move(key), version});
  auto replicating = replicate();
  const bool stored = co_await replicating;
  co_return stored ? "STORED" : "UNKNOWN";
}

// A leader that has been replaced would answer with the past: it makes sure first that it leads.
Node::Task<std::string> Node::get(std::string key) {
  if (!leading_) co_return "ELSEWHERE";
  auto replicating = replicate();
  const bool leads = co_await replicating;
  if (!leads) co_return "UNKNOWN";
  uint64_t version = 0;
  for (const Entry& e : disk_->log) {
    if (e.key == key) version = std::max(version, e.version);
  }
  co_return "VALUE " + std::to_string(version);
}

// --- for other nodes -----------------------------------------------------------------------------

// APPEND view key version key version …: the leader's whole log. A question that was overtaken by a
// later one of the same view has the shorter log.
std::string Node::append(const std::vector<std::string>& words) {
  const uint64_t view = number(words[1]);
  if (view < disk_->promised) return "OLD";
  std::vector<Entry> log = log_of(words, 2);
  const bool overtaken = view == disk_->accepted && log.size() < disk_->log.size();
  if (!overtaken) disk_->log = std::move(log);
  disk_->promised = disk_->accepted = view;
  heard_ = host_->now();
  leading_ = false;
  return "AGREED";
}

std::string Node::promise(uint64_t view) {
  if (view <= disk_->promised) return "OLD";
  disk_->promised = view;
  heard_ = host_->now();
  leading_ = false;
  return "AGREED " + std::to_string(disk_->accepted) + log_as_words();
}

// --- leading -------------------------------------------------------------------------------------

Node::Task<> Node::watch() {
  Duration patience = kSilence;
  for (;;) {
    auto sleeping = host_->sleep(kBeat);
    co_await sleeping;
    if (leading_) {
      auto replicating = replicate();
      (void)co_await replicating;
    } else if (host_->now() - heard_ > patience) {
      patience = kSilence + random_.below(static_cast<uint32_t>(kSilence.to_ms())) * 1_ms;
      auto seeking = seek_leadership();
      co_await seeking;
      heard_ = host_->now();
    }
  }
}

Node::Task<> Node::seek_leadership() {
  const uint64_t nodes = config_.nodes.size();
  uint64_t view = disk_->promised + 1;
  while (view % nodes != config_.id) ++view;
  disk_->promised = view;
  auto asking = ask_others("VIEW " + std::to_string(view));
  const auto round = co_await asking;
  if (round->agreed < nodes / 2 || disk_->promised != view) co_return;
  for (const Words& said : round->answers) {  // AGREED accepted key version …
    if (!config_.takes_newest_log) break;
    const uint64_t accepted = number(said[1]);
    std::vector<Entry> log = log_of(said, 2);
    const bool newer = accepted > disk_->accepted
                       || (accepted == disk_->accepted && log.size() > disk_->log.size());
    if (!newer) continue;
    disk_->accepted = accepted;
    disk_->log = std::move(log);
  }
  disk_->accepted = view;
  leading_ = true;
}

// True: this node leads, and a majority has its log as it was when this began.
Node::Task<bool> Node::replicate() {
  const uint64_t view = disk_->accepted;
  auto asking = ask_others("APPEND " + std::to_string(view) + log_as_words());
  const auto round = co_await asking;
  if (disk_->promised != view) leading_ = false;
  co_return leading_ && round->agreed >= config_.nodes.size() / 2;
}

Node::Task<std::shared_ptr<Node::Round>> Node::ask_others(std::string question) {
  auto round = std::make_shared<Round>();
  for (uint32_t peer = 0; peer < config_.nodes.size(); ++peer) {
    if (peer != config_.id) host_->spawn(tell(peer, question, round));
  }
  auto waiting = round->over.wait(*host_);
  (void)co_await waiting;
  co_return round;
}

Node::Task<> Node::tell(uint32_t peer, std::string question, std::shared_ptr<Round> round) {
  auto asking = ask(*host_, config_.nodes[peer], std::move(question), kAnswer);
  const auto said = co_await asking;
  ++round->silent_or_answered;
  Words words = said ? split(*said) : Words{};
  if (!words.empty() && words[0] == "AGREED") {
    ++round->agreed;
    round->answers.push_back(std::move(words));
  }
  const size_t others = config_.nodes.size() - 1;
  if (round->agreed >= config_.nodes.size() / 2 || round->silent_or_answered == others) {
    round->over.open();
  }
}

std::string Node::log_as_words() const {
  std::string words;
  for (const Entry& e : disk_->log) words += " " + e.key + " " + std::to_string(e.version);
  return words;
}

}  // namespace kv
