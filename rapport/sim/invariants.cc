// The table of invariants, and the lives that the trace tells of.
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
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace rapport::sim {

namespace {

using tcp::Event;
using tcp::State;

constexpr std::array<Law, kInvariants> kLaws{{
    {Invariant::BytesInOrder, "bytes-in-order", "RFC 9293 2.2",
     "an application reads the octets that the other end's application wrote, in their order"},
    {Invariant::Agreement, "agreement", "RFC 9293 3.5, 3.5.1",
     "when nothing moves any more, an end that is synchronized has a peer with the mirrored "
     "initial "
     "sequence numbers, unless that one was aborted, gave up or died with its host"},
    {Invariant::OneIncarnation, "one-incarnation", "RFC 9293 3.4.1",
     "text and FIN are accepted only from the life of the peer whose numbers mirror our own"},
    {Invariant::TimerOrDebt, "timer-or-debt", "RFC 9293 3.8, 3.10.8; RFC 6298 5; MUST-40",
     "no state without a timer or a debt, except where all of ours is acknowledged and the next "
     "move is the peer's or the application's; and each timer as long as it has to be"},
    {Invariant::Liveness, "liveness", "RFC 9293 3.8.1, 3.8.3",
     "with fair delivery every connection comes to its end"},
    {Invariant::WithinWindow, "within-window", "RFC 9293 3.8.6, 3.10.7.4 first",
     "nothing is sent or accepted beyond the right edge of the window that was offered"},
    {Invariant::AckOfReceived, "ack-of-received", "RFC 9293 3.4, 3.10.7.4 seventh",
     "an ACK covers only what was received, without a hole"},
    {Invariant::LegalNumbers, "legal-numbers", "RFC 9293 3.3.1, 3.4, 3.10",
     "SEQ, ACK and control bits of every segment are legal for the state that sends it"},
    {Invariant::RstAllowed, "rst-allowed", "RFC 9293 3.5.2, 3.5.3, 3.10.5",
     "a reset answers a segment that is for no connection or for a handshake that it does not fit, "
     "or ends a connection that was aborted; nothing else draws one"},
    {Invariant::TimeWaitLength, "time-wait-length", "RFC 9293 3.6.1, MUST-13; RFC 1337",
     "TIME-WAIT lasts 2MSL from the last FIN, to the tick, and no reset shortens it"},
    {Invariant::MemoryBack, "memory-back", "RFC 9293 3.10.4, 3.10.8",
     "when all is over, every slot, block and frame has been given back"},
    {Invariant::ClockForward, "clock-forward", "RFC 7323 4.1, 5.4",
     "time never goes back: not in the trace of a host, nor in the timestamps of a connection"},
    {Invariant::TwoHalves, "two-halves", "RFC 9293 3.3.2",
     "the state of each end is the one that its two halves, sending and receiving, give"},
    {Invariant::RetransmissionTimer, "retransmission-timer", "RFC 6298 2, 3, 5",
     "the RTO follows from round trips of what was sent once; the timer fires one RTO after what it "
     "waits for, doubled each time, and not when all is acknowledged"},
    {Invariant::CongestionWindow, "congestion-window", "RFC 5681 3, 4.1; RFC 6582; RFC 3042; RFC 6928",
     "cwnd and ssthresh grow and shrink by the book; no more than cwnd is in flight, and no less "
     "than it lets go"},
    {Invariant::LossRecovery, "loss-recovery", "RFC 5681 3.2; RFC 6582 3.2; RFC 6298 5.4",
     "text is sent again after the third duplicate ACK, a partial ACK or a time-out, at once, and "
     "for no other reason"},
    {Invariant::AckDuty, "ack-duty", "RFC 9293 3.4, 3.8.6.3, 3.10.7.4; RFC 5681 4.2",
     "what is acceptable is taken, what is not is answered; text beyond a hole, text that fills one "
     "and a FIN are answered at once, other text within the delay"},
    {Invariant::SackTruth, "sack-truth", "RFC 2018 3, 4; RFC 2883 4",
     "SACK blocks tell of what came and is kept, the newest first, and D-SACK of what came twice"},
    {Invariant::GiveUp, "give-up", "RFC 9293 3.8.3, MUST-20 to -23",
     "a connection is given up when its limit has passed without progress, not before and not after"},
    {Invariant::Probes, "probes", "RFC 9293 3.8.4, 3.8.6.1; MUST-24 to -29, MUST-36",
     "keep-alive and window probes go out at their times, with old numbers, and never unasked"},
    {Invariant::Parting, "parting", "RFC 9293 3.10.4, 3.10.5, 3.6.1",
     "CLOSE and ABORT do what their states ask: FIN behind all text, or a reset that the peer takes"},
}};

consteval bool in_order() {
  for (size_t i = 0; i < kLaws.size(); ++i) {
    if (kLaws[i].which != static_cast<Invariant>(i)) return false;
  }
  return true;
}

static_assert(in_order());

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

}  // namespace

std::span<const Law> laws() {
  return kLaws;
}

const Law& law(Invariant i) {
  return kLaws[static_cast<size_t>(i)];
}

std::string_view name(Invariant i) {
  return law(i).name;
}

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
    if (place.current != kNobody) ask_models(r, place);
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
        life->una = life->una_before;
        life->peer_fin = life->peer_fin_before;  // a forged FIN elsewhere, that was not taken
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
    lives_[place.current].peer_fin_before = lives_[place.current].peer_fin;
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
  if (in_order && life.ack_owed == kNever && tcp::is_synchronized(life.state)) {
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
