// The lives that the trace tells of.
#include "rapport/sim/invariants.hh"

#include "rapport/base/address.hh"
#include "rapport/base/assert.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/sim/incarnation.hh"
#include "rapport/sim/world.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace rapport::sim {

namespace {

using tcp::Event;
using tcp::State;

bool has(const TraceSegment& s, wire::Flags f) {
  return wire::Flags{s.flags}.has(f);
}

Tuple tuple_of(const TraceHeader& h) {
  return {{h.local, h.key.local_port}, {h.key.remote, h.key.remote_port}};
}

// A life that ends so may still say RST (RFC 9293 3.10.5, 3.6.1).
bool may_say_reset(Event e) {
  return e == Event::AbortCalled || e == Event::DataAfterClose || e == Event::GaveUp
         || e == Event::ListenerClosed || e == Event::Evicted;
}

// Text that arrives is taken; behind the peer's FIN it is ignored (RFC 9293 3.10.7.4, seventh).
bool takes_text(State s) {
  return tcp::is_synchronized(s) && !tcp::peer_has_finished(s);
}

}  // namespace

std::string Breach::to_string() const {
  return "t=" + std::to_string(at.ns) + "ns "
         + (host == kNoHost ? std::string("world") : "host " + std::to_string(host)) + ": "
         + std::string(name(which)) + " (" + std::string(law(which).clause) + "): " + words;
}

Invariants::Invariants(World& world) : world_(&world) {}

void Invariants::watch_only(std::initializer_list<Invariant> some) {
  watched_ = 0;
  for (const Invariant i : some) watched_ |= bit(i);
}

void Invariants::note(Invariant which, HostId host, const std::string& words) {
  if (breach_ || (watched_ & bit(which)) == 0) return;
  breach_ = {which, host, world_->now(), words};
}

Invariants::Machine& Invariants::machine(HostId h) {
  if (machines_.size() <= h) machines_.resize(h + 1);
  return machines_[h];
}

void Invariants::learn(HostId h) {
  Machine& m = machine(h);
  if (m.known || h >= world_->hosts() || !world_->is_up(h)) return;
  const stack::Config& c = world_->stack(h).config();
  m.known = true;
  m.ignores_rst = c.tcp.time_wait_ignores_rst;
  const auto promised = promised_.find(h);
  const tcp::Config& t = promised == promised_.end() ? c.tcp : promised->second;
  m.max_rto = t.max_rto;
  m.sender = {t.initial_rto, t.min_rto, t.max_rto, t.persist_max, t.initial_window_segments};
  m.receiver = {t.delayed_ack, t.quick_acks, t.ack_policy == tcp::AckPolicy::EverySecond};
  m.patience = {.syn = t.syn_give_up,
                .syn_ack = t.syn_ack_give_up,
                .r2 = t.r2,
                .orphan = t.orphan_give_up,
                .fin_wait_2 = t.fin_wait_2_orphan,
                .initial_rto = t.initial_rto,
                .max_rto = t.max_rto,
                .half_open_cap = t.max_half_open,
                .retries_under_pressure = t.syn_ack_retries_under_pressure};
  oracle_.set_two_msl(h, c.tcp.two_msl);
  for (const Interface& i : c.interfaces) {
    for (const Cidr& own : i.addresses) owners_[own.address] = h;
  }
}

void Invariants::recorded(const HostRecord& r) {
  learn(r.host);
  const TraceHeader& h = r.record.header;
  Machine& m = machine(r.host);
  if (h.at < m.last) note(Invariant::ClockForward, r.host, "a record is older than the one before");
  m.last = h.at;
  if (h.key.remote_port != 0) {
    const Tuple tuple = tuple_of(h);
    Place& place = places_[tuple];
    follow(r, place, tuple);
    if (watched_ >> kAlwaysWatched != 0 && place.current != kNobody) ask_models(r, place);
  }
  if (h.key.remote_port == 0 && h.kind == TraceKind::Transition) {
    const auto t = r.record.as<TraceTransition>();
    int& listeners = m.listeners[h.key.local_port];
    if (static_cast<State>(t.to) == State::Listen) ++listeners;
    if (static_cast<State>(t.from) == State::Listen) --listeners;
  }
  const bool doubted = !oracle_.complaint().empty();
  oracle_.recorded(r);
  if (doubted || oracle_.complaint().empty()) return;
  const bool of_time_wait =
      h.kind == TraceKind::Transition
      && static_cast<Event>(r.record.as<TraceTransition>().event) == Event::TimeWaitExpired;
  note(of_time_wait ? Invariant::TimeWaitLength : Invariant::TwoHalves, r.host,
       oracle_.complaint());
}

void Invariants::follow(const HostRecord& r, Place& place, const Tuple& tuple) {
  Incarnation* const life = place.current == kNobody ? nullptr : &lives_[place.current];
  const Handle handle = r.record.header.connection;
  if (life != nullptr && !life->has_handle && handle != Handle{}) {
    life->has_handle = by_handle_.try_emplace({r.host, handle.v}, place.current).second;
  }
  if (life != nullptr) check_delayed_ack(r, *life);
  switch (r.record.header.kind) {
    case TraceKind::Segment: segment(r, place); break;
    case TraceKind::Transition: transition(r, place, tuple); break;
    case TraceKind::Call: call(r, place); break;
    case TraceKind::Timer:
      if (life != nullptr) check_timer(r, *life);
      break;
    case TraceKind::Options:
      if (life != nullptr) {
        const auto o = r.record.as<TraceOptions>();
        const bool on = o.scaling_on != 0;
        life->peer_shift = on ? std::min<uint8_t>(o.window_scale_received, 14) : 0;
        life->own_shift = on ? std::min<uint8_t>(o.window_scale_sent, 14) : 0;
      }
      break;
    case TraceKind::Drop: {
      const auto d = r.record.as<TraceDrop>();
      if (life != nullptr && place.heard && place.heard->serial == d.serial) {
        if (!ack_was_taken(d)) life->una = life->una_before;
        life->fins.resize(std::min(life->fins.size(), life->fins_before));
        life->ack_owed = kNever;
      }
      break;
    }
    case TraceKind::Sample:
    case TraceKind::Ended:
    case TraceKind::Icmp: break;
  }
}

void Invariants::transition(const HostRecord& r, Place& place, const Tuple& tuple) {
  changed_ = true;
  const auto t = r.record.as<TraceTransition>();
  const auto from = static_cast<State>(t.from);
  const auto to = static_cast<State>(t.to);
  const auto event = static_cast<Event>(t.event);
  const bool begins = event == Event::OpenedActive || event == Event::TupleReused
                      || (event == Event::SynArrived && from == State::Listen);
  if (begins) begin(r, place, tuple);
  if (place.current == kNobody) return;
  Incarnation& life = lives_[place.current];
  check_time_wait(r, life);
  judge_parting(r, life, place);
  if (life.passive) {
    const bool was = life.state == State::SynReceived;
    machine(r.host).half_open += (to == State::SynReceived ? 1U : 0U) - (was ? 1U : 0U);
  }
  life.state = to;
  if (event == Event::SynArrived || event == Event::SynAckArrived || event == Event::TupleReused) {
    know_peer(life, place);
  }
  if (event == Event::ReuseRefused) {  // MAY-2 (2): the life that had given way is back
    const size_t back = life.suspended;
    life.ended = true;
    life.ended_by = event;
    place.current = back;
    if (back != kNobody) {
      lives_[back].ended = false;
      lives_[back].state = State::TimeWait;
    }
    return;
  }
  if (to == State::Closed || to == State::Listen) end(place, event);
  const bool says_reset = may_say_reset(event) && from >= State::SynReceived
                          && from != State::TimeWait && to == State::Closed;
  if (place.last_word && !says_reset) {
    note(Invariant::RstAllowed, r.host,
         "a reset is sent, but then comes: " + std::string(tcp::name(event)));
  }
  if (says_reset && !place.last_word) place.resets_owed = 1;
  place.last_word = false;
}

void Invariants::begin(const HostRecord& r, Place& place, const Tuple& tuple) {
  const auto event = static_cast<Event>(r.record.as<TraceTransition>().event);
  Incarnation life;
  life.host = r.host;
  life.tuple = tuple;
  life.passive = event != Event::OpenedActive;
  life.sender.begin(machine(r.host).sender, life.passive);
  life.receiver.begin(machine(r.host).receiver);
  life.patience.begin(machine(r.host).patience, life.passive);
  if (place.options) {
    life.patience.chose(*place.options);
    life.receiver.hurries(place.options->quick_ack);
  }
  if (event == Event::TupleReused && place.current != kNobody) {
    check_reuse(lives_[place.current], place);
    life.suspended = place.current;
    lives_[place.current].ended = true;
    lives_[place.current].ended_by = event;
  }
  place.current = place.last = lives_.size();
  place.resets_owed = 0;
  place.to_write.clear();  // what a program still offered to the life before
  lives_.push_back(std::move(life));
}

void Invariants::end(Place& place, Event event) {
  Incarnation& life = lives_[place.current];
  life.ended = true;
  life.ended_by = event;
  place.current = kNobody;
  place.to_write.clear();
}

// The peer's SYN has been taken.
void Invariants::know_peer(Incarnation& life, const Place& place) {
  if (!place.heard || !has(*place.heard, wire::kSyn)) return;
  life.irs = Seq{place.heard->seq};
  take(life, *place.heard);
  hear_window(life, *place.heard);
}

void Invariants::segment(const HostRecord& r, Place& place) {
  const auto s = r.record.as<TraceSegment>();
  if (place.last_word) {
    note(Invariant::RstAllowed, r.host, "a reset is sent, but the connection lives on");
  }
  if (static_cast<Direction>(s.direction) == Direction::Sent) {
    sent(r, s, place);
  } else {
    heard(r, s, place);
  }
}

void Invariants::heard(const HostRecord& r, const TraceSegment& s, Place& place) {
  constexpr size_t kMost = 256;
  place.heard = s;
  place.heard_at = r.record.header.at;
  const bool early = place.current == kNobody || !tcp::is_synchronized(lives_[place.current].state);
  if (early && !has(s, wire::kRst)) {
    place.provoked.push_back(s);
    if (place.provoked.size() > kMost) place.provoked.pop_front();
  }
  if (place.current != kNobody) {
    lives_[place.current].fins_before = lives_[place.current].fins.size();
  }
  if (place.current == kNobody || has(s, wire::kRst)) return;
  Incarnation& life = lives_[place.current];
  life.una_before = life.una;
  if (has(s, wire::kAck) && life.iss && after(Seq{s.ack}, life.una)
      && at_or_before(Seq{s.ack}, life.snd_max)) {
    life.una = Seq{s.ack};
    life.attempt = 0;
  }
  if (life.irs) take(life, s);
  hear_window(life, s);
  const bool in_order = s.text_length > 0 && life.ack_sent == Seq{s.seq};
  if (in_order && life.ack_owed == kNever && takes_text(life.state)) {
    life.ack_owed = r.record.header.at;
  }
}

void Invariants::sent(const HostRecord& r, const TraceSegment& s, Place& place) {
  if (has(s, wire::kRst)) return check_reset(r, s, place);
  if (place.current == kNobody) {
    const bool just_ended = place.last != kNobody && place.heard_at == r.record.header.at;
    if (!just_ended) note(Invariant::LegalNumbers, r.host, "a segment is sent by no connection");
    return;
  }
  Incarnation& life = lives_[place.current];
  if (has(s, wire::kSyn) && !life.iss) {
    life.iss = Seq{s.seq};
    life.snd_max = life.una = life.una_before = Seq{s.seq};
    if (life.irs) life.edge_offered = *life.iss + 1_B + life.early_window;
    by_iss_[{life.tuple, s.seq}] = place.current;
  }
  check_numbers(life, s, r.record.header.at);
  check_window(life, s);
  if (has(s, wire::kAck)) check_ack(life, s);
  check_clock(life, s);
  offer_window(life, s);
  const uint32_t length =
      s.text_length + (has(s, wire::kSyn) ? 1U : 0U) + (has(s, wire::kFin) ? 1U : 0U);
  const Seq behind = Seq{s.seq} + ByteCount{length};
  if (life.iss) life.snd_max = later(life.snd_max, behind);
  if (has(s, wire::kFin)) life.fin_end = behind;
  if (length == 0) return;
  Machine& m = machine(r.host);
  if (m.sent.size() <= m.boots) m.sent.resize(m.boots + 1);
  auto& notes = m.sent[m.boots];
  if (notes.size() <= s.serial) notes.resize(s.serial + 1);
  notes[s.serial] = {place.current, s.seq, s.text_length, life.irs};
}

size_t Invariants::mirror_index(const Incarnation& life) const {
  if (!life.iss || !life.irs) return kNobody;
  const auto found = by_iss_.find({life.tuple.mirror(), life.irs->v});
  if (found == by_iss_.end()) return kNobody;
  return lives_[found->second].irs == life.iss ? found->second : kNobody;
}

const Incarnation* Invariants::mirror_of(const Incarnation& life) const {
  const size_t i = mirror_index(life);
  return i == kNobody ? nullptr : &lives_[i];
}

void Invariants::arrived(const WireRecord& wire) {
  if (!any_crash_ || wire.from_host == kNoHost) return;
  boots_[{wire.from_host, wire.to_host, wire.serial}] = wire.incarnation;
}

void Invariants::crashed(HostId host) {
  oracle_.forget(host);
  any_crash_ = changed_ = true;
  ++machine(host).boots;
  machine(host).listeners.clear();
  machine(host).half_open = 0;
  std::erase_if(by_handle_, [&](const auto& entry) { return entry.first.first == host; });
  for (auto& [tuple, place] : places_) {
    const auto owner = owners_.find(tuple.local.address);
    if (owner == owners_.end() || owner->second != host) continue;
    if (place.current != kNobody) {
      lives_[place.current].ended = lives_[place.current].crashed = true;
    }
    place = {};
  }
}

}  // namespace rapport::sim
