// Playing a scenario in a simulated world.
#include "rapport/app/demo_stage.hh"

#include "rapport/base/address.hh"
#include "rapport/base/faults.hh"
#include "rapport/base/trace.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/observe/story.hh"
#include "rapport/sim/link.hh"
#include "rapport/sim/record/recording.hh"
#include "rapport/sim/world.hh"
#include "rapport/socket/coroutine/opening.hh"
#include "rapport/wire/tcp.hh"

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace rapport::app {

Stage::Stage(const DemoSettings& settings) : settings_(settings) {
  add_host("client");
  add_host("server");
}

Stage::~Stage() {
  listeners_.clear();  // before the world that they live in
}

uint32_t Stage::add_host(std::string name) {
  const auto host = static_cast<uint32_t>(configs_.size());
  sim::HostConfig config;
  config.name = std::move(name);
  config.stack.interfaces[0].addresses = {{at(host, 0).address, 24}};
  configs_.push_back(std::move(config));
  return host;
}

void Stage::rename(uint32_t host, std::string name) {
  configs_[host].name = std::move(name);
}

stack::Config& Stage::config(uint32_t host) {
  return configs_[host].stack;
}

sim::HostConfig& Stage::machine(uint32_t host) {
  return configs_[host];
}

void Stage::raise(sim::Settling settling) {
  sim::WorldConfig config;
  config.settling = settling;
  raise(config);
}

void Stage::raise(sim::WorldConfig config) {
  config.seed = settings_.seed;
  world_ = std::make_unique<sim::World>(config);
  for (const sim::HostConfig& c : configs_) {
    const uint32_t h = world_->add_host(c);
    world_->stack(h).trace().set_snap_length(kSnap);
  }
  if (recording_ != nullptr) world_->record(*recording_);
  sim::LinkConfig link;
  link.delay = settings_.delay;
  link.faults.loss_ppm = settings_.loss_ppm;
  link.faults.duplicate_ppm = settings_.duplicate_ppm;
  link.faults.reorder_ppm = settings_.reorder_ppm;
  link.faults.reorder_delay = 3 * way();
  for (uint32_t h = 1; h < configs_.size(); ++h) world_->connect(0, h, link);
  world_->observe(*this);
}

Endpoint Stage::at(uint32_t host, uint16_t port) {
  return {IpAddress::v4(10, 0, 0, static_cast<uint8_t>(host + 1)), port};
}

coroutine::Listener* Stage::listen(uint32_t h, uint16_t port, const coroutine::ListenOptions& o) {
  auto listener = host(h).listen(port, o);
  if (!listener) return nullptr;
  return &listeners_.emplace_back(std::move(*listener));
}

void Stage::run(Duration at_most) {
  (void)world_->run_until_idle(at_most);
}

void Stage::lose_answer(uint32_t from, uint32_t to, wire::Flags flags) {
  ordered_.push_back({from, to, flags});
}

void Stage::remark(uint32_t host, std::string text, bool forgets, bool closes) {
  world_->settle();
  if (recording_ != nullptr) recording_->remark({host, world_->now(), text, forgets, closes});
  remarks_.push_back({host, static_cast<uint32_t>(world_->records().size()), world_->now(),
                      std::move(text), forgets, closes});
}

void Stage::end_process(uint32_t h) {
  remark(h, "the process ends", false, true);
  host(h).kill();
  world_->settle();
}

void Stage::power_cycle(uint32_t h, Duration after) {
  remark(h, "loses power", true);
  world_->crash(h);
  world_->run_for(after);
  world_->restart(h);
  world_->stack(h).trace().set_snap_length(kSnap);
  std::erase_if(flags_, [h](const auto& f) { return f.first.first == h; });
  remark(h, "is up again and remembers nothing");
}

observe::Story Stage::story() const {
  observe::Story s;
  for (const sim::HostConfig& c : configs_) s.hosts.push_back(c.name);
  s.records = world_->records();
  s.wires = world_->wires();
  s.remarks = remarks_;
  return s;
}

void Stage::recorded(const HostRecord& r) {
  if (r.record.header.kind != TraceKind::Segment) return;
  const auto s = r.record.as<TraceSegment>();
  if (s.direction == static_cast<uint8_t>(Direction::Sent)) flags_[{r.host, s.serial}] = s.flags;
}

void Stage::arrived(const WireRecord& w) {
  const auto sent = flags_.find({w.from_host, w.serial});
  if (sent == flags_.end()) return;
  for (Ordered& o : ordered_) {
    if (o.done || o.from != w.from_host || o.to != w.to_host) continue;
    if ((sent->second & o.flags.v) != o.flags.v) continue;
    o.done = true;
    sim::Link& back = world_->link(o.to, o.from);
    back.lose(back.frames() + 1);
  }
}

void Stage::passed(sim::HostId host, sim::Passing way, Instant at,
                   std::span<const uint8_t> packet) {
  if (!keep_packets) return;
  passed_.push_back({host, way, at, {packet.begin(), packet.end()}});
}

}  // namespace rapport::app
