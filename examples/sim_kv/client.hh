// Client: stores ever larger versions under a key of its own and reads them back. What was said to
// be stored must be read from then on: that is the promise of the store which is checked here.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/random.hh"
#include "rapport/socket/coroutine/host.hh"
#include "rapport/socket/coroutine/task.hh"

#include <cstdint>
#include <string>
#include <vector>

namespace kv {

struct History {
  uint64_t attempted = 0, stored = 0;  // the largest versions
  uint32_t reads = 0;
  std::string violation;  // the first, in words
};

class Client {
 public:
  Client(rapport::coroutine::Host& host, std::string key, std::vector<rapport::Endpoint> nodes,
         uint64_t seed);

  // Works until the world ends.
  rapport::coroutine::Task<> run();

  [[nodiscard]] const History& history() const { return history_; }

  // Who was asked last.
  [[nodiscard]] uint32_t leader() const { return leader_; }

 private:
  // The answer of whoever leads, or nothing when nobody answered in time.
  rapport::coroutine::Task<std::string> ask_leader(std::string question);
  rapport::coroutine::Task<> put();
  rapport::coroutine::Task<> get();

  rapport::coroutine::Host* host_;
  std::string key_;
  std::vector<rapport::Endpoint> nodes_;
  rapport::Random random_;
  uint32_t leader_ = 0;  // a guess
  History history_;
};

}  // namespace kv
