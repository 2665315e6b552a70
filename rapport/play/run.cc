// Events in order of time.
#include "rapport/play/run.hh"

#include "rapport/base/time.hh"
#include "rapport/play/calls.hh"
#include "rapport/play/chronicle.hh"
#include "rapport/play/host.hh"
#include "rapport/play/script.hh"
#include "rapport/play/setup.hh"
#include "rapport/play/verdict.hh"

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>

namespace rapport::play {

namespace {

// "1.250000"
std::string seconds(Duration d) {
  std::string micros = std::to_string(1'000'000 + d.to_us() % 1'000'000);
  return std::to_string(d.to_s()) + "." + micros.substr(1);
}

}  // namespace

Run::Run(const Script& script, const Setup& setup, const PlayOptions& options, FramePool& frames,
         bool chronicle)
    : script_(script),
      setup_(setup),
      options_(options),
      host_(setup.config, frames),
      chronicle_(chronicle ? std::make_unique<Chronicle>(host_.stack()) : nullptr),
      sockets_(host_.stack(), host_.now()),
      calls_(sockets_, setup.addresses, setup.limits) {
  host_.watch(chronicle_.get());
  flows_.emplace_back();
  flows_.back().local = setup.local;
  flows_.back().remote = setup.remote;
  calls_.set_alias([this](const std::string& expected, const std::string& saw) {
    return is_alias(expected, saw);
  });
}

Verdict Run::play() {
  const auto event = [this](const Event& e) { return happen(e); };
  const auto line = [this](const ShellLine& l) { return run_shell(l); };
  bool goes_on = std::ranges::all_of(script_.init, line)
                 && std::ranges::all_of(script_.events, event) && finish();
  over_ = true;
  goes_on = goes_on && std::ranges::all_of(script_.cleanup, line);
  if (goes_on)
    verdict_.kind = verdict_.uses.any() ? Verdict::Kind::PassByRule : Verdict::Kind::Pass;
  if (chronicle_) {
    chronicle_->drain();
    verdict_.ladder = chronicle_->ladder(options_.width, options_.ascii);
  }
  return std::move(verdict_);
}

bool Run::happen(const Event& e) {
  if (const Packet* p = e.packet(); p != nullptr && p->outbound()) return expect(e, *p);
  const Span span = span_of(e.when);
  if (!wait_until(span.from)) return false;
  bool goes_on = true;
  if (const Packet* p = e.packet()) {
    goes_on = inject(*p);
  } else if (const Syscall* call = e.syscall()) {
    goes_on = begin_call(*call, e);
  } else if (const auto* line = std::get_if<ShellLine>(&e.action)) {
    goes_on = run_shell(*line);
  } else {
    goes_on = run_code(std::get<CodeBlock>(e.action));
  }
  base_ = host_.now();
  return goes_on;
}

Run::Span Run::span_of(const When& when) const {
  const Instant origin = when.relative() ? base_ : Host::kStart;
  Span s{origin + when.from, origin + when.to};
  s.any = when.kind == When::Kind::Any;
  const Duration since = s.from > base_ ? s.from - base_ : Duration{};
  const Duration part{since.ns / 1'000'000 * setup_.tolerance_ppm};
  s.tolerance = std::max(setup_.tolerance, part);
  return s;
}

bool Run::wait_until(Instant t) {
  while (host_.now() < t) {
    const Instant limit = std::min(t, std::max(sockets_.next_deadline(), host_.now()));
    (void)host_.step(limit);
    if (!settle()) return false;
    if (host_.runs_away()) {
      return fail({}, "an end",
                  "a stack whose timers never rest; given up at " + clock_text(host_.now()));
    }
  }
  return true;
}

bool Run::settle() {
  constexpr int kMost = 1000;
  host_.collect();
  for (int i = 0; i < kMost; ++i) {
    const bool news = sockets_.pump(host_.now());
    host_.collect();
    const Syscall* call = calls_.blocked();
    if (call != nullptr) {
      if (!take_outcome(calls_.go_on(), *call)) return false;
      host_.collect();
      if (is_overdue()) return false;
    }
    if (!news) break;
  }
  return true;
}

bool Run::take_outcome(const Outcome& o, const Syscall& call) {
  switch (o.kind) {
    case Outcome::Kind::Blocks: return true;
    case Outcome::Kind::Unsupported: return skip(call.place, o.saw);
    case Outcome::Kind::Wrong: return fail(call.place, o.expected, o.saw);
    case Outcome::Kind::Right: break;
  }
  if (!return_) return true;
  const Span span = *std::exchange(return_, std::nullopt);
  if (host_.now() + span.tolerance >= span.from && host_.now() <= span.to + span.tolerance)
    return true;
  return fail(call.place, call.name + "() to return at " + clock_text(span.from),
              "its return at " + clock_text(host_.now()));
}

bool Run::begin_call(const Syscall& call, const Event& e) {
  begun_ = true;
  if (const Syscall* other = calls_.blocked()) {
    return fail(call.place, other->name + "() to have returned",
                "it still blocks at " + clock_text(host_.now()));
  }
  if (call.until) {
    const Instant origin = e.when.relative() ? base_ : Host::kStart;
    Span span{origin + *call.until, origin + *call.until};
    const Duration since = span.from > host_.now() ? span.from - host_.now() : Duration{};
    span.tolerance =
        std::max(setup_.tolerance, Duration{since.ns / 1'000'000 * setup_.tolerance_ppm});
    return_ = span;
  }
  const Outcome o = calls_.begin(call);
  if (o.kind == Outcome::Kind::Blocks && !call.until) {
    return fail(call.place, call.name + "() to return at once", "it blocks");
  }
  return take_outcome(o, call) && settle();
}

bool Run::is_overdue() {
  const Syscall* call = calls_.blocked();
  if (call == nullptr || !return_ || host_.now() <= return_->to + return_->tolerance) return false;
  (void)fail(call->place, call->name + "() to return at " + clock_text(return_->to),
             "it still blocks at " + clock_text(host_.now()));
  return true;
}

bool Run::finish() {
  if (const Syscall* call = calls_.blocked()) {
    if (!wait_until(return_->to + return_->tolerance + 1_us)) return false;
    if (calls_.blocked() != nullptr) {
      return fail(call->place, call->name + "() to return", "it still blocks at the end");
    }
  }
  while (!host_.seen().empty()) {
    const auto rule = excuse_extra(host_.seen().front(), nullptr, flows_.back());
    if (!rule) break;
    verdict_.uses.add(*rule);
    host_.seen().pop_front();
  }
  if (options_.allow_leftover || host_.seen().empty()) return true;
  const Seen& left = host_.seen().front();
  const Event& last = script_.events.back();
  return fail(last.when.place, "nothing more",
              "> " + packet_text(left, flows_.back(), false) + " at " + clock_text(left.at)
                  + ", which the script does not mention");
}

bool Run::fail(Place place, std::string expected, std::string saw) {
  if (verdict_.kind == Verdict::Kind::Fail) return false;
  verdict_.kind = Verdict::Kind::Fail;
  verdict_.place = place;
  verdict_.expected = std::move(expected);
  verdict_.saw = std::move(saw);
  return false;
}

bool Run::skip(Place place, std::string reason) {
  verdict_.kind = Verdict::Kind::Skip;
  verdict_.place = place;
  verdict_.reason = std::move(reason);
  return false;
}

std::string Run::clock_text(Instant t) const {
  return seconds(t - Host::kStart);
}

}  // namespace rapport::play
