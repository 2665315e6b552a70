// What happens at one instant of a World: frames arrive, timers fire, programs run, frames leave.
#include "rapport/sim/body.hh"

#include "rapport/base/assert.hh"
#include "rapport/base/build.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/time.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/sim/box.hh"
#include "rapport/sim/link.hh"
#include "rapport/sim/machine.hh"
#include "rapport/sim/record/recording.hh"
#include "rapport/sim/world.hh"
#include "rapport/socket/coroutine/host.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/ipv6.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace rapport::sim {

namespace {

// More rounds at one instant than any world needs: programs or stacks that never rest.
constexpr int restless = 1'000'000;
// A burst as large as a device's queue would give.
constexpr size_t burst_limit = 64;

// The later one; so that the heap has the earliest in front.
bool comes_after(const Arrival& a, const Arrival& b) {
  return a.wire.arrived != b.wire.arrived ? a.wire.arrived > b.wire.arrived : a.number > b.number;
}

}  // namespace

void World::Body::settle() {
  bool any = true;
  for (int rounds = 0; any; ++rounds) {
    ASSERT(rounds < restless);
    any = false;
    for (HostId h = 0; h < machines.size(); ++h) any |= settle_host(h);
  }
  for (Observer* o : observers) o->settled(now);
}

bool World::Body::settle_host(HostId h) {
  Machine& m = machine(h);
  bool any = false;
  bool worked = true;
  for (int rounds = 0; worked && m.up(); ++rounds) {
    ASSERT(rounds < restless);
    worked = false;
    if (config.settling == Settling::ProgramsFirst) worked |= m.turn(now);
    worked |= send_frames(h);
    if (config.settling == Settling::FramesFirst) worked |= m.turn(now);
    any |= worked;
  }
  collect(h);
  return any;
}

bool World::Body::send_frames(HostId h) {
  bool any = false;
  while (Frame frame = machine(h).stack().next_frame()) {
    send(h, std::move(frame));
    any = true;
  }
  return any;
}

void World::Body::send(HostId from, Frame frame) {
  for (Observer* o : observers) o->passed(from, Passing::Out, now, frame.bytes());
  WireRecord wire;
  wire.sent = now;
  wire.from_host = from;
  wire.to_host = destination_of(frame);
  wire.serial = frame.serial;
  wire.length = static_cast<uint32_t>(frame.size());
  wire.incarnation = machine(from).incarnation();
  const auto link = links.find({from, wire.to_host});
  if (link == links.end()) {
    wire.fate = Fate::NoSuchHost;
    return depart(wire, std::move(frame));
  }
  const Passage passage = carrier != nullptr ? carrier->carry(wire, frame.bytes())
                                             : link->second.pass(frame.size(), now);
  Frame second;
  if (passage.count == 2) second = machine(from).frame_of(frame.bytes());
  std::array<Frame, 2> frames{std::move(frame), std::move(second)};
  for (uint32_t i = 0; i < passage.count; ++i) {
    if (!frames.at(i)) continue;  // the pool has no room for a copy: the wire does not make one
    const Passage::Copy& copy = passage.copies.at(i);
    wire.fate = copy.fate;
    wire.arrived = copy.arrival;
    wire.held = copy.held;
    frames.at(i).serial = wire.serial;
    if (link->second.config().strip != 0) {
      strip_options(frames.at(i).bytes(), link->second.config().strip);
    }
    passage.verdict.damage(frames.at(i).bytes());
    depart(wire, std::move(frames.at(i)));
  }
}

HostId World::Body::destination_of(const Frame& frame) const {
  const std::span<const uint8_t> packet = frame.bytes();
  const auto v4 = wire::parse_ipv4(packet);
  wire::Ipv6 v6;
  // A fault in the rest of it is the receiver's to find.
  if (!v4) ASSERT(packet.size() >= wire::kIpv6Header && packet[0] >> 4 == 6);
  if (!v4) (void)wire::parse_ipv6(packet, v6);
  const IpAddress& destination = v4 ? v4->destination : v6.destination;
  for (HostId h = 0; h < machines.size(); ++h) {
    if (machines[h]->owns(destination)) return h;
  }
  return kNoHost;
}

void World::Body::depart(const WireRecord& wire, Frame frame) {
  if (config.keep_records) wires.push_back(wire);
  if (recording != nullptr) recording->wire(wire);
  const uint64_t record = departed_++;
  for (Observer* o : observers) o->departed(wire);
  if (!wire.has_arrived()) return;
  arrivals.push_back({wire, ++number_, record, std::move(frame)});
  std::ranges::push_heap(arrivals, comes_after);
}

void World::Body::collect(HostId h) {
  Machine& m = machine(h);
  if (!m.up()) return;
  HostRecord record;
  record.host = h;
  while (m.stack().trace().read(record.record)) {
    record.order = order_++;
    if (config.keep_records) records.push_back(record);
    if constexpr (kChecks) ask_oracle(record);
    for (Observer* o : observers) o->recorded(record);
  }
  if (recording != nullptr) recording->gathered(h);
  ASSERT(m.stack().trace().lost() == 0);  // HostConfig::trace_records is too small
}

void World::Body::record(HostId h) {
  if (recording == nullptr) return;
  Machine& m = machine(h);
  stack::Recorder& listener = recording->host(h, m.recorded());
  if (m.up()) m.stack().record(&listener);
}

void World::Body::ask_oracle(const HostRecord& record) {
  oracle.recorded(record);
  if (config.abort_on_complaint && !oracle.complaint().empty()) {
    assertion_failed(oracle.complaint().c_str(), __FILE__, __LINE__);
  }
}

Instant World::Body::next_deadline() {
  Instant next = arrivals.empty() ? kNever : std::max(now, arrivals.front().wire.arrived);
  for (const auto& m : machines) next = std::min(next, m->next_deadline(now));
  return next;
}

void World::Body::move_to(Instant at) {
  ASSERT(at >= now);
  now = at;
  deliver_due();
  expire_due();
  settle();
}

Arrival World::Body::take_arrival() {
  std::ranges::pop_heap(arrivals, comes_after);
  Arrival a = std::move(arrivals.back());
  arrivals.pop_back();
  if (!machine(a.wire.to_host).up()) {
    a.wire.fate = Fate::HostDown;
    a.frame.reset();
    if (config.keep_records) wires[a.record].fate = Fate::HostDown;
    if (recording != nullptr) recording->fate(a.record, Fate::HostDown);
  }
  for (Observer* o : observers) o->arrived(a.wire);
  return a;
}

void World::Body::deliver_due() {
  const auto due = [&] { return !arrivals.empty() && arrivals.front().wire.arrived <= now; };
  const size_t limit = config.bursts == Bursts::One ? 1 : burst_limit;
  std::vector<std::vector<Frame>> bursts(machines.size());
  while (due()) {
    Arrival a = take_arrival();
    if (!a.frame) continue;
    const HostId to = a.wire.to_host;
    for (Observer* o : observers) o->passed(to, Passing::In, now, a.frame.bytes());
    bursts[to].push_back(std::move(a.frame));
    if (bursts[to].size() >= limit) receive(to, bursts[to]);
  }
  for (HostId h = 0; h < bursts.size(); ++h) receive(h, bursts[h]);
}

void World::Body::receive(HostId to, std::vector<Frame>& burst) {
  if (burst.empty()) return;
  machine(to).stack().receive(burst, machine(to).time(now));
  burst.clear();
  (void)settle_host(to);
}

void World::Body::expire_due() {
  for (HostId h = 0; h < machines.size(); ++h) {
    if (machine(h).up()) machine(h).expire(now);
  }
}

}  // namespace rapport::sim
