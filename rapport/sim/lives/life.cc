// Running one world.
#include "rapport/sim/lives/life.hh"

#include "rapport/base/time.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/sim/invariants.hh"
#include "rapport/sim/link.hh"
#include "rapport/sim/lives/ends.hh"
#include "rapport/sim/lives/plan.hh"
#include "rapport/sim/lives/tally.hh"
#include "rapport/sim/world.hh"
#include "rapport/socket/coroutine/channel.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <tuple>

namespace rapport::lives {

namespace {

using sim::Invariant;

template <class Function>
void for_each_end(Talk& talk, Function function) {
  for (auto& round : talk.rounds) {
    for (End& e : round) function(e);
  }
}

template <class Function>
void for_each_end(Crowd& crowd, Function function) {
  for (End& e : crowd.served) function(e);
  for (End& e : crowd.clients) function(e);
}

bool is_complete(const std::array<End, 2>& ends) {
  for (size_t i = 0; i < 2; ++i) {
    const End& e = ends[i];
    if (!e.opened || e.read_error || e.write_error || !e.end_of_file) return false;
    if (e.received != ends[1 - i].plan.octets) return false;
    if (e.plan.style == Style::Polite && !coroutine::is_graceful(e.reason)) return false;
  }
  return true;
}

}  // namespace

Life::Life(const Plan& plan, bool keep_records)
    : plan_(plan),
      world_(config(keep_records)),
      watch_(world_),
      mishaps_(plan_, world_, watch_, [this](sim::HostId h, bool back) { fallen(h, back); }) {
  add_hosts();
  connect_hosts();
  world_.observe(watch_);
  if (!plan_.mishaps.empty()) world_.observe(mishaps_);
}

sim::WorldConfig Life::config(bool keep_records) const {
  sim::WorldConfig c;
  c.seed = plan_.seed;
  c.bursts = plan_.bursts ? sim::Bursts::SameTime : sim::Bursts::One;
  c.settling = plan_.frames_first ? sim::Settling::FramesFirst : sim::Settling::ProgramsFirst;
  c.keep_records = keep_records;
  c.abort_on_complaint = false;
  return c;
}

void Life::add_hosts() {
  for (size_t i = 0; i < plan_.hosts.size(); ++i) {
    sim::HostConfig host;
    host.name = "host " + std::to_string(i);
    host.stack = plan_.hosts[i].stack;
    host.frames = plan_.hosts[i].frames;
    host.clock_lag_ppm = plan_.hosts[i].clock_lag_ppm;
    watch_.promise(world_.add_host(host), promised(host.stack.tcp));
  }
}

void Life::connect_hosts() {
  for (const WayPlan& w : plan_.wires) {
    world_.connect(w.a, w.b, w.ways[0]);
    world_.link(w.b, w.a).configure(w.ways[1]);
  }
}

size_t Life::programs() {
  size_t all = 0;
  for (sim::HostId h = 0; h < world_.hosts(); ++h) all += world_.host(h).running();
  return all;
}

Finish Life::live(Tally& tally, const Bounds& bounds) {
  if (bounds.models) watch_.watch_models();
  world_.observe(tally);
  for (const TalkPlan& t : plan_.talks) {
    Talk& talk = *talks_.emplace_back(std::make_unique<Talk>());
    talk.plan = t;
    begin(talk, world_, watch_, plan_);
  }
  for (const CrowdPlan& c : plan_.crowds) {
    Crowd& crowd = *crowds_.emplace_back(std::make_unique<Crowd>());
    crowd.plan = c;
    begin(crowd, world_, watch_, plan_);
  }
  const Finish finish = run(bounds);
  count(tally);
  const bool cut = (finish == Finish::Events && bounds.events_are_asked)
                   || (finish == Finish::Until && bounds.until_is_asked);
  if (!cut && (finish == Finish::Until || finish == Finish::Events)) {
    watch_.note(Invariant::Liveness, kNoHost,
                (finish == Finish::Until ? "" : std::to_string(bounds.events) + " steps, and ")
                    + std::to_string(programs()) + " programs still run, or the world never rests");
  }
  if (!cut && !watch_.breach()) {
    judge(tally);
    watch_.all_is_over();
  }
  tally.ended_by_until += finish == Finish::Until ? 1 : 0;
  tally.ended_by_events += finish == Finish::Events ? 1 : 0;
  return watch_.breach() ? Finish::Breach : finish;
}

Finish Life::run(const Bounds& bounds) {
  for (events_ = 0; !watch_.breach(); ++events_) {
    if (events_ == bounds.events) return Finish::Events;
    world_.settle();
    const Instant mishap = mishaps_.next();
    const Instant deadline = world_.next_deadline();
    const Instant at = std::min(mishap, deadline);
    if (at > bounds.until) return at == kNever ? Finish::Idle : Finish::Until;
    if (mishap <= deadline) {
      world_.run_until(mishap);
      mishaps_.act();
    } else {
      world_.run_until(deadline);
    }
  }
  return Finish::Breach;
}

void Life::fallen(sim::HostId host, bool back) {
  if (back) {
    for (const auto& crowd : crowds_) {
      if (crowd->plan.server == host) serve(*crowd, world_, watch_, plan_);
    }
    return;
  }
  const auto fall = [&](End& e) {
    if (e.id != host) return;
    e.crashed |= !e.ended;
    if (!world_.is_up(host)) return;
    e.stream = {};
    if (e.raw) std::ignore = world_.stack(host).command(tcp::Close{e.raw}, world_.time_of(host));
    e.raw = {};
  };
  for (const auto& talk : talks_) for_each_end(*talk, fall);
  for (const auto& crowd : crowds_) for_each_end(*crowd, fall);
}

void Life::judge(Tally& tally) {
  for (const auto& talk : talks_) judge(*talk, tally);
  for (const auto& crowd : crowds_) {
    for_each_end(*crowd, [&](const End& e) { judge(e, tally); });
  }
}

void Life::judge(const End& e, Tally& tally) {
  tally.opened += e.opened ? 1 : 0;
  tally.octets += e.received;
  if (e.begun && !e.ended && !e.crashed) {
    watch_.note(Invariant::Liveness, e.id, "an end never ends: " + e.to_string());
  }
}

// Two that open together by clocks of different speed may miss each other.
bool Life::may_miss(const TalkPlan& talk) const {
  return talk.opening == Opening::Together
         && plan_.hosts[talk.hosts[0]].clock_lag_ppm != plan_.hosts[talk.hosts[1]].clock_lag_ppm;
}

void Life::judge(Talk& talk, Tally& tally) {
  for_each_end(talk, [&](const End& e) { judge(e, tally); });
  if (!talk.plan.is_gentle() || talk.plan.rounds > 1) return;
  ++tally.gentle;
  const auto& ends = talk.rounds.front();
  const bool sure = !plan_.harsh && !may_miss(talk.plan);
  tally.sure += sure ? 1 : 0;
  if (is_complete(ends)) {
    ++tally.complete;
  } else if (sure) {
    watch_.note(Invariant::Liveness, kNoHost,
                "both were gentle, the wire was mild, but not all arrived: " + ends[0].to_string()
                    + "; " + ends[1].to_string());
  }
}

void Life::count(Tally& tally) {
  ++tally.worlds;
  tally.believed += watch_.oracle().believed();
  for (const WayPlan& w : plan_.wires) {
    for (const sim::Link* link : {&world_.link(w.a, w.b), &world_.link(w.b, w.a)}) {
      tally.count(Fault::RandomLoss, link->losses().random);
      tally.count(Fault::BurstyLoss, link->losses().bursty);
      tally.count(Fault::PeriodicLoss, link->losses().periodic);
    }
  }
  for (const HostPlan& h : plan_.hosts) {
    if (h.clock_lag_ppm != 0) tally.count(Fault::ClockDrift);
  }
  for (size_t i = 0; i < kMishapKinds; ++i) tally.mishaps[i] += mishaps_.counts()[i];
}

std::string Life::report() const {
  std::string s = plan_.to_string();
  const auto tell = [&](const End& e) {
    s += "  host " + std::to_string(e.id) + ": " + e.to_string() + "\n";
  };
  for (const auto& talk : talks_) for_each_end(*talk, tell);
  for (const auto& crowd : crowds_) for_each_end(*crowd, tell);
  return s;
}

}  // namespace rapport::lives
