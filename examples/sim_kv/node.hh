// Node: one of three replicas. In view v node v mod 3 leads; what it is told to store counts once a
// majority has it on disk. When the leader is silent the next one asks a majority for their logs
// and leads the next view. A program like any other: written against socket/coroutine, it runs the
// same over a simulated world and over a TUN.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/random.hh"
#include "rapport/base/time.hh"
#include "rapport/socket/coroutine/host.hh"
#include "rapport/socket/coroutine/opening.hh"
#include "rapport/socket/coroutine/stream.hh"
#include "rapport/socket/coroutine/task.hh"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace kv {

inline constexpr uint16_t kPort = 7000;

struct Entry {
  std::string key;
  uint64_t version = 0;
};

// What survives a crash.
struct Disk {
  uint64_t promised = 0;  // no view below this is obeyed
  uint64_t accepted = 0;  // the view that `log` comes from
  std::vector<Entry> log;
};

struct NodeConfig {
  uint32_t id = 0;
  std::vector<rapport::Endpoint> nodes;  // all of them, this one too
  uint64_t seed = 1;
  // False is the planted bug: a new leader asks a majority for their logs, and keeps its own.
  bool takes_newest_log = true;
};

class Node {
 public:
  // `host` and `disk` must outlive the node, and the node its host's programs.
  Node(rapport::coroutine::Host& host, Disk& disk, NodeConfig config);

  // Begins to listen and to watch the leader.
  void start();

 private:
  template <class T = void>
  using Task = rapport::coroutine::Task<T>;
  struct Round;

  Task<> serve();
  Task<> answer(rapport::coroutine::Stream stream);
  Task<std::string> carry_out(std::string question);
  Task<std::string> put(std::string key, uint64_t version);
  Task<std::string> get(std::string key);
  std::string append(const std::vector<std::string>& words);
  std::string promise(uint64_t view);

  Task<> watch();
  Task<> seek_leadership();
  Task<bool> replicate();
  // Asks all others; goes on when enough of them have agreed, or all have answered or are silent.
  Task<std::shared_ptr<Round>> ask_others(std::string question);
  Task<> tell(uint32_t peer, std::string question, std::shared_ptr<Round> round);

  [[nodiscard]] std::string log_as_words() const;

  rapport::coroutine::Host* host_;
  Disk* disk_;
  NodeConfig config_;
  rapport::Random random_;
  rapport::coroutine::Listener listener_;
  rapport::Instant heard_{};  // of a leader
  bool leading_ = false;
};

}  // namespace kv
