// Mutants of scripts: those of packets and of times, and how an edit is made.
#include "rapport/play/mutants.hh"

#include "rapport/base/time.hh"
#include "rapport/play/mutants_call.hh"
#include "rapport/play/packet.hh"
#include "rapport/play/place.hh"
#include "rapport/play/print.hh"
#include "rapport/play/script.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace rapport::play {

namespace {

using Class = MutantClass;

constexpr auto kFlags = std::to_array<std::pair<wire::Flags, std::string_view>>({
    {wire::kSyn, "S"},
    {wire::kFin, "F"},
    {wire::kRst, "R"},
    {wire::kPsh, "P"},
    {wire::kUrg, "U"},
    {wire::kEce, "E"},
    {wire::kCwr, "W"},
    {wire::kAck, "."},
});

// Makes the mutants of one outbound segment.
class SegmentMutants {
 public:
  SegmentMutants(const Event& event, size_t at, std::vector<Mutant>& to)
      : event_(&event), segment_(std::get<TcpSegment>(event.packet()->body)), at_(at), to_(&to) {}

  void all(bool names_isn) {
    numbers(names_isn);
    flags();
    options();
    window();
  }

 private:
  void add(Class kind, TcpSegment changed, std::string what) {
    Mutant m{.kind = kind,
             .at = at_,
             .event = *event_,
             .place = event_->packet()->place,
             .what = std::move(what)};
    std::get<Packet>(m.event.action).body = std::move(changed);
    to_->push_back(std::move(m));
  }

  void numbers(bool names_isn) {
    if (segment_.ack) {
      TcpSegment s = segment_;
      s.ack = *segment_.ack + 1;
      add(Class::AckPlusOne, s,
          "ack " + std::to_string(*s.ack) + " for ack " + std::to_string(*segment_.ack));
    }
    if (segment_.sequence.unchecked || names_isn) return;
    TcpSegment s = segment_;
    ++s.sequence.first;
    add(Class::SeqPlusOne, s,
        "seq " + std::to_string(s.sequence.first) + " for seq "
            + std::to_string(segment_.sequence.first));
  }

  void flags() {
    for (const auto& [flag, letter] : kFlags) {
      const bool there = segment_.flags.has(flag);
      const bool may_come = flag == wire::kPsh || flag == wire::kFin || flag == wire::kUrg;
      if (!there && !may_come) continue;
      TcpSegment s = segment_;
      s.flags = {static_cast<uint8_t>(segment_.flags.v ^ flag.v)};
      if (flag == wire::kAck) s.ecn_counter.reset();
      add(there ? Class::FlagDropped : Class::FlagAdded, s,
          std::string{there ? "without " : "with "} + std::string{letter});
    }
  }

  void change(size_t i, const TcpOption& option) {
    TcpSegment s = segment_;
    s.options[i] = option;
    add(Class::WrongOption, s, print(option) + " for " + print(segment_.options[i]));
  }

  void value_of(size_t i) {
    constexpr uint32_t kMaxShift = 14;
    TcpOption o = segment_.options[i];
    switch (o.kind) {
      case TcpOption::Kind::MaximumSegmentSize: o.value = (o.value + 1) % 65'536; break;
      case TcpOption::Kind::WindowScale: o.value = o.value < kMaxShift ? o.value + 1 : 0; break;
      case TcpOption::Kind::Timestamps:
        if (o.echo_unchecked) return;
        ++o.echo;
        break;
      case TcpOption::Kind::Sack: ++o.blocks.back().right; break;
      default: return;
    }
    change(i, o);
  }

  // NOPs only fill: a profile may leave them aside.
  static bool fills(const TcpOption& o) {
    return o.kind == TcpOption::Kind::Nop || o.kind == TcpOption::Kind::End;
  }

  void options() {
    if (segment_.options_unchecked) return;
    for (size_t i = 0; i < segment_.options.size(); ++i) {
      value_of(i);
      if (fills(segment_.options[i])) continue;
      TcpSegment s = segment_;
      s.options.erase(s.options.begin() + static_cast<std::ptrdiff_t>(i));
      add(Class::WrongOption, s, "without " + print(segment_.options[i]));
    }
    TcpOption permitted;
    permitted.kind = TcpOption::Kind::SackPermitted;
    permitted.name = "sackOK";
    if (std::ranges::find(segment_.options, permitted.kind, &TcpOption::kind)
        != segment_.options.end()) {
      return;
    }
    TcpSegment s = segment_;
    s.options.push_back(permitted);
    add(Class::WrongOption, s, "with sackOK");
  }

  void window() {
    if (!segment_.window) return;
    TcpSegment s = segment_;
    s.window = static_cast<uint16_t>(*segment_.window + 1);
    add(Class::WrongWindow, s,
        "win " + std::to_string(*s.window) + " for win " + std::to_string(*segment_.window));
  }

  const Event* event_;
  const TcpSegment& segment_;
  size_t at_;
  std::vector<Mutant>* to_;
};

// When each event is due, as far as the script alone tells: the time since the event before.
Duration since_before(const Script& script, size_t at) {
  const When& when = script.events[at].when;
  if (when.relative() || at == 0) return when.from;
  Duration before;
  for (size_t i = 0; i < at; ++i) {
    const When& w = script.events[i].when;
    before = w.relative() ? before + w.from : std::max(before, w.from);
  }
  return std::max(Duration{}, when.from - before);
}

void shift(When& when, Duration by) {
  const Duration length = when.to - when.from;
  when.from = when.to + by;
  when.to = when.from + length;
}

void add_shifted(const Script& script, size_t at, const Tolerance& tolerance,
                 std::vector<Mutant>& to) {
  const Event& event = script.events[at];
  const Packet* packet = event.packet();
  const Syscall* call = event.syscall();
  const Duration* until = call != nullptr && call->until ? &*call->until : nullptr;
  const bool leaves = packet != nullptr && packet->outbound() && event.when.kind != When::Kind::Any;
  if (until == nullptr && !leaves) return;
  Duration elapsed = since_before(script, at);
  if (until != nullptr) elapsed = std::max(elapsed, *until - event.when.from);
  const Duration by = 2 * std::max(tolerance.fixed, elapsed * tolerance.permille / 1'000);
  Mutant m{.kind = Class::TimeShifted,
           .at = at,
           .event = event,
           .place = event.when.place,
           .what = "later by " + print(by) + " s"};
  if (until != nullptr) {
    std::get<Syscall>(m.event.action).until = *until + by;
  } else {
    shift(m.event.when, by);
  }
  to.push_back(std::move(m));
}

void add_missing_and_extra(const Event& event, size_t at, std::vector<Mutant>& to) {
  const Packet& packet = *event.packet();
  Mutant missing{.kind = Class::MissingPacket,
                 .edit = Mutant::Edit::Remove,
                 .at = at,
                 .event = {},
                 .place = packet.place,
                 .what = "without " + print(packet)};
  to.push_back(std::move(missing));
  Mutant extra{.kind = Class::ExtraPacket,
               .edit = Mutant::Edit::InsertAfter,
               .at = at,
               .event = event,
               .place = packet.place,
               .what = "twice " + print(packet)};
  extra.event.when = {};
  extra.event.when.place = event.when.place;
  to.push_back(std::move(extra));
}

bool is_syn(const Packet& packet) {
  const auto* segment = std::get_if<TcpSegment>(&packet.body);
  return segment != nullptr && segment->flags.has(wire::kSyn);
}

// Takes an event out and leaves the ones behind it where they are in time.
void remove(Script& script, size_t at) {
  const When gone = script.events[at].when;
  script.events.erase(script.events.begin() + static_cast<std::ptrdiff_t>(at));
  if (at == script.events.size() || !gone.relative()) return;
  When& next = script.events[at].when;
  if (!next.relative()) return;
  next.from += gone.from;
  next.to += gone.from;
  if (auto* call = std::get_if<Syscall>(&script.events[at].action);
      call != nullptr && call->until) {
    *call->until += gone.from;
  }
}

}  // namespace

std::string_view name(MutantClass kind) {
  constexpr std::array<std::string_view, kMutantClasses> kNames{
      "ack+1",        "seq+1",        "flag dropped",   "flag added",   "time shifted",
      "wrong option", "wrong window", "missing packet", "extra packet", "wrong result",
      "wrong errno",  "wrong output", "wrong assert"};
  return kNames.at(static_cast<size_t>(kind));
}

std::vector<Mutant> mutants(const Script& script, const Tolerance& tolerance) {
  std::vector<Mutant> all;
  bool isn_named = false;
  for (size_t i = 0; i < script.events.size(); ++i) {
    const Event& event = script.events[i];
    const Packet* packet = event.packet();
    add_shifted(script, i, tolerance, all);
    if (packet == nullptr) {
      add_call_mutants(event, i, all);
      continue;
    }
    if (!packet->outbound()) continue;
    add_missing_and_extra(event, i, all);
    if (!std::holds_alternative<TcpSegment>(packet->body)) continue;
    SegmentMutants(event, i, all).all(is_syn(*packet) && !isn_named);
    isn_named = isn_named || is_syn(*packet);
  }
  return all;
}

Script mutated(const Script& script, const Mutant& mutant) {
  Script out = script;
  const auto at = out.events.begin() + static_cast<std::ptrdiff_t>(mutant.at);
  switch (mutant.edit) {
    case Mutant::Edit::Replace: *at = mutant.event; break;
    case Mutant::Edit::Remove: remove(out, mutant.at); break;
    case Mutant::Edit::InsertAfter: out.events.insert(at + 1, mutant.event); break;
  }
  return out;
}

}  // namespace rapport::play
