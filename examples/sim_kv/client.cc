// What a client asks, and what it believes.
#include "client.hh"

#include "message.hh"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

namespace kv {

using namespace rapport;
using coroutine::Task;

Client::Client(coroutine::Host& host, std::string key, std::vector<Endpoint> nodes, uint64_t seed)
    : host_(&host), key_(std::move(key)), nodes_(std::move(nodes)), random_(seed) {}

Task<> Client::run() {
  while (history_.violation.empty()) {
    auto sleeping = host_->sleep(random_.below(200) * 1_ms);
    co_await sleeping;
    auto working = random_.chance_ppm(500'000) ? put() : get();
    co_await working;
  }
}

Task<std::string> Client::ask_leader(std::string question) {
  for (size_t tries = 0; tries < 2 * nodes_.size(); ++tries) {
    auto asking = ask(*host_, nodes_[leader_], question, 1_s);
    const auto said = co_await asking;
    if (said && *said != "ELSEWHERE") co_return *said;
    leader_ = (leader_ + 1) % static_cast<uint32_t>(nodes_.size());
  }
  co_return "";
}

// Without an answer it may be stored or not, now or later.
Task<> Client::put() {
  const uint64_t version = ++history_.attempted;
  auto asking = ask_leader("PUT " + key_ + " " + std::to_string(version));
  const std::string said = co_await asking;
  if (said == "STORED") history_.stored = version;
}

Task<> Client::get() {
  const uint64_t least = history_.stored;
  auto asking = ask_leader("GET " + key_);
  const std::string said = co_await asking;
  const Words words = split(said);
  if (words.size() != 2 || words[0] != "VALUE") co_return;
  ++history_.reads;
  const uint64_t version = number(words[1]);
  if (version >= least && version <= history_.attempted) co_return;
  history_.violation = key_ + ": version " + std::to_string(least)
                       + " was said to be stored, but the store reads " + std::to_string(version);
}

}  // namespace kv
