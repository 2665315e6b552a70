// Octets: what came, from whom, what was acknowledged of it, and what applications were given.
#include "rapport/base/seq.hh"
#include "rapport/base/trace.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/sim/incarnation.hh"
#include "rapport/sim/invariants.hh"
#include "rapport/sim/world.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>

namespace rapport::sim {

namespace {

bool has(const TraceSegment& s, wire::Flags f) {
  return wire::Flags{s.flags}.has(f);
}

}  // namespace

void Invariants::wrote(HostId /*host*/, const Tuple& tuple, std::span<const uint8_t> octets) {
  Place& place = places_[tuple];
  place.to_write.insert(place.to_write.end(), octets.begin(), octets.end());
}

void Invariants::gave_up_writing(const Tuple& tuple) {
  places_[tuple].to_write.clear();
}

void Invariants::read(HostId /*host*/, const Tuple& tuple, std::span<const uint8_t> octets) {
  Place& place = places_[tuple];
  place.just_read.insert(place.just_read.end(), octets.begin(), octets.end());
}

// Text and FIN that came, whether or not they were wanted.
void Invariants::take(Incarnation& life, const TraceSegment& s) {
  if (s.text_length == 0 && !has(s, wire::kFin)) return;
  const Seq origin = *life.irs + 1_B;
  const Seq first = Seq{s.seq} + ByteCount{has(s, wire::kSyn) ? 1U : 0U};
  const Seq behind = first + ByteCount{s.text_length};
  const bool trusted = is_trusted(life, s);
  if (after(behind, origin)) {
    const uint32_t left = (later(first, origin) - origin).v;
    const uint32_t right = (behind - origin).v;
    life.received.add(left, right);
    if (trusted) life.trusted.add(left, right);
  }
  // Where its FIN was taken no other counts.
  if (has(s, wire::kFin) && at_or_after(behind, origin) && !tcp::peer_has_finished(life.state)) {
    if (std::ranges::find(life.fins, behind) == life.fins.end()) life.fins.push_back(behind);
    life.fin_trusted |= trusted;
  }
}

// Who sent it; nullptr when the trace of no host tells.
const SentNote* Invariants::origin_of(const Incarnation& life, const TraceSegment& s) const {
  const auto owner = owners_.find(life.tuple.remote.address);
  if (owner == owners_.end() || owner->second >= machines_.size()) return nullptr;
  const Machine& m = machines_[owner->second];
  uint32_t boot = 0;
  if (any_crash_) {
    const auto came = boots_.find({owner->second, life.host, s.serial});
    boot = came == boots_.end() ? 0 : came->second;
  }
  if (boot >= m.sent.size() || s.serial >= m.sent[boot].size()) return nullptr;
  const SentNote& note = m.sent[boot][s.serial];
  if (note.by == kNobody || lives_[note.by].tuple != life.tuple.mirror()) return nullptr;
  return note.seq == s.seq && note.length == s.text_length ? &note : nullptr;
}

// RFC 9293 3.4.1: from the life whose ISS is our IRS, and which knew our ISS as it sent this. What
// comes with its SYN cannot know it, and waits until the handshake proves the SYN.
bool Invariants::is_trusted(const Incarnation& life, const TraceSegment& s) const {
  if (const SentNote* note = origin_of(life, s); note != nullptr) {
    const Incarnation& sender = lives_[note->by];
    return sender.iss == life.irs && (note->irs == life.iss || has(s, wire::kSyn));
  }
  // Put on the wire by a script: taken for the peer's when he has sent these numbers.
  const size_t peer = mirror_index(life);
  if (peer == kNobody) return false;
  const Seq behind = Seq{s.seq} + ByteCount{s.text_length};
  return after(Seq{s.seq}, *lives_[peer].iss) && at_or_before(behind, lives_[peer].snd_max);
}

// RCV.NXT is what our ACKs say.
void Invariants::check_ack(Incarnation& life, const TraceSegment& s) {
  life.ack_owed = kNever;
  if (!life.irs) return;
  const Seq origin = *life.irs + 1_B;
  const Seq ack{s.ack};
  const auto fits = [&](const Coverage& came, bool fin) {
    if (before(ack, origin)) return false;
    const uint32_t octets = (ack - origin).v;
    const bool over_fin =
        fin && std::ranges::any_of(life.fins, [ack](Seq at) { return ack == at + 1_B; });
    return came.covers(over_fin ? octets - 1 : octets);
  };
  if (!fits(life.received, true)) {
    note(Invariant::AckOfReceived, life.host,
         "ACK " + std::to_string(ack.v) + " is sent, but not all before it was received");
  } else if (!fits(life.trusted, life.fin_trusted)) {
    note(Invariant::OneIncarnation, life.host,
         "text or FIN before " + std::to_string(ack.v)
             + " is accepted, which the peer's present life never sent to this one");
  }
}

void Invariants::call(const HostRecord& r, Place& place) {
  const auto c = r.record.as<TraceCall>();
  const auto kind = static_cast<CallKind>(c.call);
  if (kind == CallKind::Status) return;
  changed_ = true;
  if (c.failed != 0) return;
  // Unread text outlives a close by the book, while the sockets may serve the next life.
  const auto known = by_handle_.find({r.host, r.record.header.connection.v});
  const size_t index = known != by_handle_.end() ? known->second : place.current;
  if (index == kNobody) return;
  Incarnation& life = lives_[index];
  if (kind == CallKind::Receive) check_read(life, place, c.octets);
  if (kind != CallKind::Send) return;
  const auto told = static_cast<uint32_t>(std::min<size_t>(c.octets, place.to_write.size()));
  life.written_known &= told == c.octets && life.written.size() == life.octets_written;
  const auto behind = place.to_write.begin() + told;
  if (life.written_known) {
    life.written.insert(life.written.end(), place.to_write.begin(), behind);
  }
  place.to_write.erase(place.to_write.begin(), behind);
  life.octets_written += c.octets;
  life.ends_of_sends.push_back(life.octets_written);
}

void Invariants::check_read(Incarnation& life, Place& place, uint32_t octets) {
  const uint64_t from = life.octets_read;
  life.octets_read += octets;
  const size_t told = std::min<size_t>(octets, place.just_read.size());
  const std::deque<uint8_t> got(place.just_read.begin(),
                                place.just_read.begin() + static_cast<std::ptrdiff_t>(told));
  place.just_read.clear();
  const auto owner = owners_.find(life.tuple.remote.address);
  if (owner == owners_.end() || octets == 0) return;  // of a host that is not known
  const size_t peer = mirror_index(life);
  if (peer == kNobody || !life.trusted.covers(static_cast<uint32_t>(life.octets_read))) {
    return note(Invariant::OneIncarnation, life.host,
                "the application is given octets " + std::to_string(from) + " to "
                    + std::to_string(life.octets_read)
                    + ", which the peer's present life never sent to this one");
  }
  const Incarnation& sender = lives_[peer];
  if (life.octets_read > sender.octets_written) {
    return note(Invariant::BytesInOrder, life.host,
                "more is read (" + std::to_string(life.octets_read) + " octets) than was written ("
                    + std::to_string(sender.octets_written) + ")");
  }
  for (size_t i = 0; i < got.size() && from + i < sender.written.size(); ++i) {
    if (got[i] == sender.written[from + i]) continue;
    return note(Invariant::BytesInOrder, life.host,
                "octet " + std::to_string(from + i) + " of the stream is read as "
                    + std::to_string(got[i]) + ", written was "
                    + std::to_string(sender.written[from + i]));
  }
}

}  // namespace rapport::sim
