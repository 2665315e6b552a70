// The driver of a World: what happens at one instant, and how the clock moves.
#include "rapport/sim/world.hh"

#include "rapport/base/assert.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/random.hh"
#include "rapport/base/time.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/sim/body.hh"
#include "rapport/sim/link.hh"
#include "rapport/sim/machine.hh"
#include "rapport/sim/record/recording.hh"
#include "rapport/socket/coroutine/host.hh"
#include "rapport/stack/stack.hh"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace rapport::sim {

World::World(const WorldConfig& config) : body_(std::make_unique<Body>(config)) {}

World::~World() {
  for (Observer* o : body_->observers) o->observes_ = nullptr;
  if (body_->recording != nullptr) body_->recording->records_ = nullptr;
}

Observer::~Observer() {
  if (observes_ != nullptr) observes_->forget(*this);
}

HostId World::add_host(HostConfig config) {
  Body& b = *body_;
  const uint64_t seed = b.random.next();
  b.oracle.set_two_msl(hosts(), config.stack.tcp.two_msl);
  b.machines.push_back(std::make_unique<Machine>(std::move(config), seed, b.now));
  body_->record(hosts() - 1);
  return hosts() - 1;
}

void World::connect(HostId a, HostId b, const LinkConfig& config) {
  ASSERT(a < hosts() && b < hosts());
  for (const auto& way : {std::pair{a, b}, std::pair{b, a}}) {
    const uint64_t seed = body_->random.next();
    body_->links.insert_or_assign(way, Link{config, seed});
  }
}

Link& World::link(HostId from, HostId to) {
  const auto found = body_->links.find({from, to});
  ASSERT(found != body_->links.end());
  return found->second;
}

void World::observe(Observer& observer) {
  ASSERT(observer.observes_ == nullptr);  // one world at a time
  observer.observes_ = this;
  body_->observers.push_back(&observer);
}

void World::forget(const Observer& observer) {
  std::erase(body_->observers, &observer);
}

void World::record(Recording& recording) {
  ASSERT(body_->recording == nullptr && recording.records_ == nullptr);  // one of each
  recording.records_ = this;
  body_->recording = &recording;
  for (HostId h = 0; h < hosts(); ++h) body_->record(h);
}

void World::forget(const Recording& recording) {
  ASSERT(body_->recording == &recording);
  body_->recording = nullptr;
}

void World::carry_by(Carrier& carrier) {
  body_->carrier = &carrier;
}

Instant World::now() const {
  return body_->now;
}

Instant World::time_of(HostId h) const {
  return body_->machine(h).time(now());
}

uint32_t World::hosts() const {
  return static_cast<uint32_t>(body_->machines.size());
}

std::string_view World::name(HostId h) const {
  return body_->machine(h).name();
}

coroutine::Host& World::host(HostId h) {
  return body_->machine(h).programs();
}

stack::Stack& World::stack(HostId h) {
  ASSERT(is_up(h));
  return body_->machine(h).stack();
}

const FramePool& World::pool(HostId h) const {
  return body_->machine(h).pool();
}

bool World::is_up(HostId h) const {
  return body_->machine(h).up();
}

size_t World::on_the_way() const {
  return body_->arrivals.size();
}

std::span<const HostRecord> World::records() const {
  return body_->records;
}

std::span<const WireRecord> World::wires() const {
  return body_->wires;
}

std::string_view World::complaint() const {
  return body_->oracle.complaint();
}

Instant World::next_deadline() {
  return body_->next_deadline();
}

void World::settle() {
  body_->settle();
}

bool World::step() {
  settle();
  const Instant at = next_deadline();
  if (at == kNever) return false;
  body_->move_to(at);
  return true;
}

void World::run_until(Instant until) {
  settle();
  while (next_deadline() <= until) body_->move_to(next_deadline());
  ASSERT(until >= body_->now);
  body_->move_to(until);
}

bool World::run_until_idle(Duration max) {
  const Instant last = now() + max;
  settle();
  for (Instant at = next_deadline(); at != kNever; at = next_deadline()) {
    if (at > last) return false;
    body_->move_to(at);
  }
  return true;
}

void World::crash(HostId h) {
  body_->collect(h);
  body_->machine(h).crash();
  if (body_->recording != nullptr) body_->recording->gone(h);
  body_->oracle.forget(h);
  for (Observer* o : body_->observers) o->crashed(h);
}

void World::restart(HostId h) {
  body_->machine(h).boot(now());
  body_->record(h);
}

void World::partition(HostId a, HostId b, bool cut) {
  link(a, b).cut(cut);
  link(b, a).cut(cut);
}

bool World::inject(HostId as_from, HostId to, std::span<const uint8_t> packet, Instant at) {
  ASSERT(at >= now());
  Machine& holder = body_->machine(as_from == kNoHost ? to : as_from);
  Frame frame = holder.frame_of(packet);
  if (!frame) return false;
  WireRecord wire;
  wire.sent = now();
  wire.arrived = at;
  wire.from_host = as_from;
  wire.to_host = to;
  wire.length = static_cast<uint32_t>(packet.size());
  wire.fate = Fate::Injected;
  body_->depart(wire, std::move(frame));
  return true;
}

void World::deliver(const WireRecord& wire, std::span<const uint8_t> packet) {
  ASSERT(wire.arrived >= now());
  Frame frame = body_->machine(wire.from_host).frame_of(packet);
  ASSERT(frame);
  frame.serial = wire.serial;
  body_->depart(wire, std::move(frame));
}

}  // namespace rapport::sim
