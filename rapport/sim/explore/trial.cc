// The driver of one world.
#include "rapport/sim/explore/trial.hh"

#include "rapport/base/assert.hh"
#include "rapport/base/siphash.hh"
#include "rapport/base/trace.hh"
#include "rapport/sim/record/recording.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"

#include <algorithm>
#include <string_view>
#include <vector>

namespace rapport::sim::explore {

namespace {

WorldConfig config_of(bool keep_records) {
  WorldConfig c;
  c.start = Instant{} + 1_s;
  c.keep_records = keep_records;
  c.abort_on_complaint = false;
  return c;
}

uint64_t mix(uint64_t h, uint64_t value) {
  return siphash24_words({0x6578'706c'6f72'6521ULL, 0x7374'6174'6500'0000ULL}, h, value);
}

}  // namespace

std::string_view name(Mishap m) {
  constexpr std::array<std::string_view, static_cast<size_t>(Mishap::kCount)> names{
      "lost", "duplicated", "reordered", "delayed past a timer", "crashed"};
  return names.at(static_cast<size_t>(m));
}

Trial::Trial(const Setup& setup, const Path& path, Guide* guide, Recording* recording)
    : setup_(setup),
      path_(path),
      guide_(guide),
      world_(config_of(recording != nullptr)),
      wire_(world_, *this, setup.msl, setup.shape.delay),
      judge_(world_, setup),
      programs_(world_, setup.scenario, setup.parting, setup.shape, judge_),
      recording_(recording) {
  if (recording != nullptr) world_.record(*recording);
  for (const HostId h : {kClient, kServer}) {
    HostConfig host = host_config(h, setup.shape);
    host.stack.tcp.without = setup.without;
    host.stack.tcp.two_msl = setup.two_msl;
    (void)world_.add_host(host);
  }
  world_.connect(kClient, kServer, {.delay = setup.shape.delay});
  world_.carry_by(wire_);
  world_.observe(wire_);
  world_.observe(*this);
  judge_.watch(programs_);
  programs_.start(kServer);
  programs_.start(kClient);
}

// Streams close before the world that they live in goes.
Trial::~Trial() {
  programs_.kill();
}

void Trial::recorded(const HostRecord& record) {
  if (record.record.header.kind != TraceKind::Transition) return;
  const auto t = record.record.as<TraceTransition>();
  const tcp::Transition* const edge =
      tcp::find_transition(static_cast<tcp::State>(t.from), static_cast<tcp::Event>(t.event));
  if (edge != nullptr) outcome_.edges.set(static_cast<size_t>(edge - tcp::transitions().data()));
}

// faults[i]: whether alternative i is one. The first is the ordinary course.
uint32_t Trial::choose(std::span<const bool> faults) {
  const uint32_t at = point_++;
  const auto places = path_.places();
  if (next_place_ < places.size()) {
    if (places[next_place_].at != at) return 0;
    return places[next_place_++].which;
  }
  if (guide_ == nullptr || at >= kMostChoices) return 0;
  for (uint32_t i = 1; i < faults.size() && i <= kMostAlternatives; ++i) {
    guide_->could({static_cast<uint16_t>(at & 0xfffU), static_cast<uint16_t>(i & 0xfU)}, faults[i]);
  }
  return 0;
}

Fate Trial::fate(const WireRecord& wire) {
  if (!choosing_) {
    const auto same = std::ranges::find_if(mischief_, [&](const Mischief& m) {
      return m.kind == Mischief::Kind::Frame && m.host == wire.from_host
             && m.boot == wire.incarnation && m.serial == wire.serial;
    });
    return same == mischief_.end() ? Fate::Deliver : same->fate;
  }
  constexpr std::array kFaults{false, true, true, true};
  const auto fate = static_cast<Fate>(choose(kFaults));
  if (fate == Fate::Lose) ++outcome_.mishaps[static_cast<size_t>(Mishap::Lost)];
  if (fate != Fate::Deliver) {
    mischief_.push_back(
        {Mischief::Kind::Frame, wire.from_host, wire.incarnation, wire.serial, fate, world_.now()});
  }
  return fate;
}

void Trial::release(size_t kept) {
  const Wire::Kept& k = wire_.kept()[kept];
  const Mishap what = k.copy          ? Mishap::Duplicated
                      : k.timer_fired ? Mishap::Delayed
                                      : Mishap::Reordered;
  ++outcome_.mishaps[static_cast<size_t>(what)];
  if (choosing_) {
    mischief_.push_back({Mischief::Kind::Release, k.wire.from_host, k.wire.incarnation,
                         k.wire.serial, Fate::Keep, world_.now()});
  }
  ++released_;
  wire_.release(kept);
}

void Trial::repeat(std::span<const Mischief> mischief, Instant until) {
  mischief_.assign(mischief.begin(), mischief.end());
  world_.settle();
  for (const Mischief& m : mischief) {
    if (m.kind == Mischief::Kind::Frame) continue;
    world_.run_until(m.at);
    wire_.expire();
    if (m.kind == Mischief::Kind::Crash) {
      crash(m.host);
    } else {
      const auto kept = std::ranges::find_if(wire_.kept(), [&](const Wire::Kept& k) {
        return k.wire.from_host == m.host && k.wire.incarnation == m.boot
               && k.wire.serial == m.serial && wire_.may_arrive(k);
      });
      if (kept == wire_.kept().end()) continue;
      release(static_cast<size_t>(kept - wire_.kept().begin()));
    }
    world_.settle();
  }
  world_.run_until(until);
}

void Trial::crash(HostId h) {
  ++outcome_.mishaps[static_cast<size_t>(Mishap::Crashed)];
  if (choosing_) {
    mischief_.push_back({Mischief::Kind::Crash, h, 0, 0, Fate::Deliver, world_.now()});
  }
  world_.crash(h);
  const auto records = static_cast<uint32_t>(world_.records().size());
  crashes_.push_back({h, records, world_.now()});
  if (recording_ != nullptr) {
    recording_->remark(
        {.host = h, .at = world_.now(), .text = "crashes and begins anew", .forgets = true});
  }
  judge_.crashed();
  programs_.crashed(h);
  world_.restart(h);
  programs_.start(h);
}

bool Trial::goes_on() {
  std::vector<size_t> ready;
  for (size_t i = 0; i < wire_.kept().size() && ready.size() + 3 < kMostAlternatives; ++i) {
    if (wire_.may_arrive(wire_.kept()[i])) ready.push_back(i);
  }
  std::array<bool, kMostAlternatives> faults{};
  const size_t crashes = 1 + ready.size();
  faults.at(crashes) = faults.at(crashes + 1) = true;
  const size_t all = crashes + (setup_.shape.crashes ? 2 : 0);
  const uint32_t which = choose(std::span(faults).first(all));
  if (which == 0) return true;
  if (which >= crashes) {
    crash(static_cast<HostId>(which - crashes));
    return false;
  }
  release(ready.at(which - 1));
  return false;
}

uint64_t Trial::state() {
  uint64_t h = mix(programs_.position(), wire_.fingerprint());
  if (setup_.shape.text > 1) {  // the numbers of two lives may meet: see wire.hh
    h = mix(h, released_);
    h = mix(h, static_cast<uint64_t>(wire_.age_of_iss(kClient).ns));
    h = mix(h, static_cast<uint64_t>(wire_.age_of_iss(kServer).ns));
  }
  for (const HostId host : {kClient, kServer}) {
    const stack::Origin origin = wire_.origin(host);
    h = mix(h, world_.stack(host).relative_fingerprint(world_.now(), {&origin, 1}));
    const Instant sleeper = world_.host(host).next_deadline();
    h = mix(h, sleeper == kNever ? 0 : static_cast<uint64_t>((sleeper - world_.now()).ns));
  }
  return h;
}

// Connections that stay open are at rest when only keep-alive is left to happen.
bool Trial::is_over() {
  if (setup_.scenario >= Scenario::Close) return false;
  if (!programs_.over() || wire_.flying() > 0) return false;
  for (const HostId host : {kClient, kServer}) {
    std::vector<Handle> handles;
    stack::Stack& stack = world_.stack(host);
    if (stack.population().half_open + stack.population().time_wait > 0) return false;
    stack.connections(handles);
    for (const Handle handle : handles) {
      const auto s = stack.command(tcp::GetStatus{handle}, world_.now());
      if (s && s->timer && *s->timer != TimerKind::KeepAlive) return false;
    }
  }
  return true;
}

// Nothing more will happen by itself.
Ending Trial::finish() {
  if (!programs_.over()) {
    judge_.dead_end();
    return Ending::DeadEnd;
  }
  judge_.ended();
  choosing_ = false;
  programs_.kill();
  judge_.all_is_over(world_.run_until_idle(setup_.until));
  return judge_.breach() ? Ending::Breached : Ending::Over;
}

// All has been done that can be done at this instant.
std::optional<Ending> Trial::quiet() {
  judge_.look();
  if (judge_.breach()) return Ending::Breached;
  if (!choosing_) choosing_ = programs_.begun();
  if (!choosing_) return std::nullopt;
  wire_.expire();
  if (setup_.merge && guide_ != nullptr && next_place_ == path_.places().size()
      && !guide_->is_new(state(), outcome_.steps)) {
    return Ending::Merged;
  }
  if (!goes_on()) {
    world_.settle();
    return std::nullopt;
  }
  if (is_over() || world_.next_deadline() == kNever) return finish();
  return std::nullopt;
}

void Trial::coast(Duration time) {
  choosing_ = false;
  world_.run_for(time);
}

Outcome Trial::run(uint32_t limit) {
  choosing_ = programs_.begun();
  const Instant last = world_.now() + setup_.until;
  world_.settle();
  while (true) {
    const std::optional<Ending> ending = quiet();
    if (ending) {
      outcome_.ending = *ending;
      break;
    }
    if (outcome_.steps >= limit || world_.now() > last) {
      if (outcome_.steps >= setup_.most_steps) judge_.never_rests(outcome_.steps);
      outcome_.ending = Ending::TooLong;
      break;
    }
    ++outcome_.steps;
    (void)world_.step();
  }
  outcome_.breach = judge_.breach();
  return outcome_;
}

}  // namespace rapport::sim::explore
