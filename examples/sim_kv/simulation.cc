// Hosts, wires and mishaps. The programs of the store know nothing of this file.
#include "simulation.hh"

#include "client.hh"
#include "node.hh"
#include "rapport/base/random.hh"
#include "rapport/base/time.hh"
#include "rapport/sim/record/recording.hh"
#include "rapport/sim/world.hh"

#include <array>
#include <cstdint>
#include <fstream>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace kv {

using namespace rapport;

namespace {

constexpr uint32_t kNodes = 3;
constexpr uint32_t kClients = 2;
constexpr Duration kLifetime = 30_s;

Endpoint address_of(uint32_t host) {
  return {IpAddress::v4(10, 0, 0, static_cast<uint8_t>(host + 1)), kPort};
}

sim::HostConfig host_config(uint32_t host) {
  sim::HostConfig c;
  c.name = host < kNodes ? "node" + std::to_string(host) : "client" + std::to_string(host - kNodes);
  c.stack.interfaces[0].addresses = {{address_of(host).address, 24}};
  c.stack.tcp.two_msl = 1_s;  // so that ports and memory come back within a short life
  return c;
}

sim::WorldConfig world_config(uint64_t seed) {
  sim::WorldConfig c;
  c.seed = seed;
  c.keep_records = false;
  return c;
}

class Simulation {
 public:
  // `recording`: what the stacks are asked is written down; nullptr: it is not.
  Simulation(uint64_t seed, bool fixed, sim::Recording* recording)
      : world_(world_config(seed)), random_(seed), fixed_(fixed), recording_(recording) {
    if (recording != nullptr) world_.record(*recording);
    for (uint32_t h = 0; h < kNodes + kClients; ++h) world_.add_host(host_config(h));
    sim::LinkConfig wire;
    wire.delay = 1_ms;
    wire.faults.jitter = 5_ms;
    wire.faults.loss_ppm = 10'000;
    for (uint32_t a = 0; a < kNodes + kClients; ++a) {
      for (uint32_t b = a + 1; b < kNodes + kClients; ++b) world_.connect(a, b, wire);
    }
    for (uint32_t n = 0; n < kNodes; ++n) boot(n);
    for (uint32_t c = 0; c < kClients; ++c) {
      auto& host = world_.host(kNodes + c);
      clients_.push_back(
          std::make_unique<Client>(host, "key" + std::to_string(c), nodes(), random_.next()));
      host.spawn(clients_.back()->run());
    }
  }

  Outcome run() {
    const Instant end = world_.now() + kLifetime;
    while (world_.now() < end && violation().empty()) {
      world_.run_for((300 + random_.below(1500)) * 1_ms);
      if (violation().empty()) mishap();
    }
    if (recording_ != nullptr) end_recording();
    Outcome o{violation(), std::move(story_)};
    for (const auto& c : clients_) {
      o.stored += c->history().stored;
      o.reads += c->history().reads;
    }
    return o;
  }

 private:
  static std::vector<Endpoint> nodes() {
    std::vector<Endpoint> all;
    all.reserve(kNodes);
    for (uint32_t n = 0; n < kNodes; ++n) all.push_back(address_of(n));
    return all;
  }

  void boot(uint32_t n) {
    NodeConfig c;
    c.id = n;
    c.nodes = nodes();
    c.seed = random_.next();
    c.takes_newest_log = fixed_;
    nodes_.at(n) = std::make_unique<Node>(world_.host(n), disks_.at(n), c);
    nodes_.at(n)->start();
  }

  [[nodiscard]] std::string violation() const {
    for (const auto& c : clients_) {
      if (!c->history().violation.empty()) return c->history().violation;
    }
    return {};
  }

  // The ladder to be drawn: between the client that was deceived and the node that did it.
  void end_recording() {
    for (uint32_t c = 0; c < kClients; ++c) {
      if (clients_[c]->history().violation.empty()) continue;
      recording_->remark({.host = kNodes + c, .at = world_.now(), .text = violation()});
      recording_->ladder(kNodes + c, clients_[c]->leader());
    }
  }

  // One node at a time is in trouble, so that there is always a majority.
  void mishap() {
    if (!world_.is_up(victim_)) {
      world_.restart(victim_);
      boot(victim_);
      return tell("comes back with its disk");
    }
    if (cut_off_) {
      cut(false);
      return tell("reaches the other nodes again");
    }
    victim_ = random_.below(kNodes);
    if (random_.chance_ppm(500'000)) {
      world_.crash(victim_);
      nodes_.at(victim_).reset();
      tell("crashes");
    } else {
      cut(true);
      tell("is cut off from the other nodes");
    }
  }

  void cut(bool off) {
    for (uint32_t n = 0; n < kNodes; ++n) {
      if (n != victim_) world_.partition(victim_, n, off);
    }
    cut_off_ = off;
  }

  void tell(const std::string& what) {
    if (recording_ != nullptr) {
      recording_->remark({.host = victim_, .at = world_.now(), .text = what});
    }
    const auto ms = static_cast<uint64_t>((world_.now() - Instant{}).to_ms());
    story_.push_back("at " + std::to_string(ms) + " ms node" + std::to_string(victim_) + " "
                     + what);
  }

  std::array<Disk, kNodes> disks_;  // they outlive every crash
  std::array<std::unique_ptr<Node>, kNodes> nodes_;
  std::vector<std::unique_ptr<Client>> clients_;
  sim::World world_;  // programs end with it, before what they use
  Random random_;
  bool fixed_;
  sim::Recording* recording_;
  uint32_t victim_ = 0;
  bool cut_off_ = false;
  std::vector<std::string> story_;
};

}  // namespace

Outcome simulate(uint64_t seed, bool fixed) {
  return Simulation(seed, fixed, nullptr).run();
}

bool record(uint64_t seed, bool fixed, const std::string& path) {
  sim::Recording recording(
      {.program = "sim_kv", .seed = seed, .asked = "sim_kv --seeds " + std::to_string(seed)});
  (void)Simulation(seed, fixed, &recording).run();
  const std::span<const uint8_t> octets = recording.finish();
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(octets.data()),
             static_cast<std::streamsize>(octets.size()));
  return file.flush().good();
}

}  // namespace kv
