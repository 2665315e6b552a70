// Moments of rest: what each host owes, whether both ends agree, and what is left when all is over.
#include "rapport/base/frame.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/sim/incarnation.hh"
#include "rapport/sim/invariants.hh"
#include "rapport/sim/world.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/tcp/state.hh"

#include <cstdint>
#include <string>
#include <string_view>

namespace rapport::sim {

namespace {

using tcp::Event;
using tcp::State;

// A peer that ended so, while we know nothing of it, leaves us half-open until we send, by the
// book: RFC 9293 3.5.1 (its reset, or our answer to it, may be lost), 3.8.3 (it gave up).
bool leaves_us_behind(const Incarnation& peer) {
  if (peer.crashed) return true;
  switch (peer.ended_by) {
    case Event::AbortCalled:
    case Event::DataAfterClose:
    case Event::GaveUp:
    case Event::ListenerClosed:
    case Event::Evicted:
    case Event::HardErrorArrived: return true;
    default: return false;
  }
}

}  // namespace

void Invariants::settled(Instant /*now*/) {
  if (breach_) return;
  if (!urgent_.empty()) judge_urgent();
  bool timers = world_->on_the_way() > 0;
  for (HostId h = 0; h < world_->hosts(); ++h) {
    if (!world_->is_up(h)) continue;
    audit(h);
    if (!changed_) continue;
    if (world_->stack(h).next_deadline() == kNever) {
      nothing_is_owed(h);
    } else {
      timers = true;
    }
  }
  if (!changed_) return;
  if (!timers) all_is_quiet();
  changed_ = false;
}

void Invariants::audit(HostId h) {
  const std::string_view broken = world_->stack(h).audit();
  if (broken.empty()) return;
  const bool numbers = broken.contains("=<") || broken.contains("< ");
  note(numbers ? Invariant::LegalNumbers : Invariant::TimerOrDebt, h,
       "the auditor says: not so: " + std::string(broken));
}

// No timer runs on this host: the next move of each connection is the peer's or the application's.
void Invariants::nothing_is_owed(HostId h) {
  stack::Stack& stack = world_->stack(h);
  const auto population = stack.population();
  const auto complain = [&](const std::string& words) { note(Invariant::TimerOrDebt, h, words); };
  if (population.half_open > 0) complain("a handshake is under way without a timer");
  if (population.time_wait > 0) complain("TIME-WAIT without a timer");
  stack.connections(handles_);
  for (const Handle handle : handles_) {
    const auto s = stack.command(tcp::GetStatus{handle}, world_->time_of(h));
    if (!s) continue;
    const bool waits_for_peer = s->state == State::Established
                                || (s->state == State::FinWait2 && !s->orphan)
                                || s->state == State::CloseWait;
    // A connection that has ended may wait for its reader to take the rest.
    const bool waits_for_reader = s->receive_queue > 0_B && !s->orphan;
    const std::string where = " in " + std::string(tcp::name(s->state));
    if (!waits_for_peer && !waits_for_reader) complain("no timer runs" + where);
    if (s->send_queue > 0_B) {
      complain("no timer runs with " + std::to_string(s->send_queue.v) + " octets to be sent"
               + where);
    }
  }
}

void Invariants::all_is_quiet() {
  for (const auto& [tuple, place] : places_) {
    if (place.current != kNobody) check_agreement(lives_[place.current]);
  }
}

void Invariants::check_agreement(const Incarnation& life) {
  if (!tcp::is_synchronized(life.state) || !owners_.contains(life.tuple.remote.address)) return;
  const std::string who = to_string(life.tuple.local) + " is in "
                          + std::string(tcp::name(life.state)) + " with "
                          + to_string(life.tuple.remote);
  const Incarnation* const peer = mirror_of(life);
  if (peer == nullptr) {
    return note(Invariant::Agreement, life.host,
                who + ", but nobody there ever had the mirrored sequence numbers");
  }
  if (!peer->ended || leaves_us_behind(*peer)) return;
  note(Invariant::Agreement, life.host,
       who + ", whose life has ended in order (" + std::string(tcp::name(peer->ended_by)) + ")");
}

void Invariants::all_is_over() {
  for (HostId h = 0; h < world_->hosts(); ++h) {
    if (world_->pool(h).in_use() > 0) {
      note(Invariant::MemoryBack, h,
           std::to_string(world_->pool(h).in_use()) + " frames are not given back");
    }
    if (!world_->is_up(h)) continue;
    const auto p = world_->stack(h).population();
    if (p.connections + p.half_open + p.time_wait + p.listeners > 0) {
      note(Invariant::Liveness, h,
           "left alive: " + std::to_string(p.connections) + " connections, "
               + std::to_string(p.half_open) + " half-open, " + std::to_string(p.time_wait)
               + " TIME-WAIT, " + std::to_string(p.listeners) + " listeners");
    }
    if (p.transfers + p.extras + p.blocks + p.pieces > 0) {
      note(Invariant::MemoryBack, h,
           "left over: " + std::to_string(p.transfers) + " transfers, " + std::to_string(p.extras)
               + " extras, " + std::to_string(p.blocks) + " blocks, " + std::to_string(p.pieces)
               + " pieces");
    }
    if (world_->stack(h).next_deadline() != kNever) {
      note(Invariant::TimerOrDebt, h, "a timer runs for nothing");
    }
  }
}

}  // namespace rapport::sim
