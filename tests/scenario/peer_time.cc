// Peer in time, its numbers, and its story: moving the clock timer by timer, and telling what
// happened.
#include "peer.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/stack/stack.hh"
#include "registry.hh"
#include "words.hh"
#include "world.hh"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

namespace rapport::scenario {

namespace {

constexpr int kTurnsPerInstant = 100'000;

std::string clock_text(Duration since) {
  char text[32];
  std::snprintf(text, sizeof(text), "%12.6f  ", static_cast<double>(since.ns) / 1e9);
  return text;
}

}  // namespace

// --- time -------------------------------------------------------------------------------------

void Peer::expires(At at) {
  for (int turns = 0; w_->stack->next_deadline() <= w_->now; ++turns) {
    if (turns > kTurnsPerInstant) fails("expire() never gets done with this instant", at);
    w_->stack->expire(w_->now);
    collects(at);
  }
}

Peer& Peer::after(Duration d, At at) {
  expects_silence("felt time pass", at);
  const Instant end = w_->now + d;
  std::ostringstream s;
  s << "time   " << static_cast<double>(d.ns) / 1e9 << " s pass";
  tells(s.str());
  while (w_->stack->next_deadline() <= end) {
    w_->now = std::max(w_->now, w_->stack->next_deadline());
    expires(at);
  }
  w_->now = end;
  return *this;
}

Peer& Peer::after_next_timer(At at) {
  constexpr int most = 1000;
  for (int i = 0; w_->said.empty(); ++i) {
    if (i > most || w_->stack->next_deadline() == kNever) fails("no timer makes it speak", at);
    after(until_next_timer(), at);
  }
  return *this;
}

Instant Peer::now() const {
  return w_->now;
}

Duration Peer::until_next_timer() const {
  return std::max(w_->stack->next_deadline() - w_->now, 0_ns);
}

// --- numbers ----------------------------------------------------------------------------------

Seq Peer::snd_nxt() const {
  return w_->snd_nxt;
}

Seq Peer::snd_una() const {
  return w_->snd_una;
}

Seq Peer::rcv_nxt() const {
  return w_->rcv_nxt;
}

ByteCount Peer::rcv_wnd() const {
  return w_->rcv_wnd;
}

bool Peer::after_or_same(Seq ack) const {
  return at_or_after(ack, w_->rcv_nxt);
}

uint32_t Peer::tsval_now() const {
  return w_->ts_base + static_cast<uint32_t>((w_->now - w_->start).to_ms());
}

uint32_t Peer::tsval_of_stack() const {
  return w_->ts_of_stack;
}

bool Peer::timestamps_agreed() const {
  return w_->our_timestamps && w_->peer_offers_timestamps();
}

bool Peer::sack_agreed() const {
  return w_->our_sack && w_->with.sack.value_or(false);
}

ByteCount Peer::largest_text() const {
  constexpr uint32_t kTimestamps = 12;
  const uint32_t mss = *w_->with.mss != 0 ? *w_->with.mss : unsaid_mss();
  return ByteCount{mss - (timestamps_agreed() ? kTimestamps : 0)};
}

const With& Peer::with() const {
  return w_->with;
}

stack::Stack& Peer::stack() {
  return *w_->stack;
}

uint16_t Peer::window_field(uint32_t octets) const {
  const bool scaled = w_->our_scale && w_->peer_offers_scale();
  return static_cast<uint16_t>(std::min<uint32_t>(octets >> (scaled ? World::kShift : 0), 65535));
}

void Peer::window_is_closed(bool closed) {
  w_->with.window_closed = closed;
}

void Peer::window_of_peer(uint32_t octets) {
  w_->window = octets;
}

// --- the story --------------------------------------------------------------------------------

void Peer::tells(const std::string& step) {
  w_->story.push_back(clock_text(w_->now - w_->start) + step);
}

std::string Peer::story() const {
  std::ostringstream s;
  s << "The story (numbers relative to iss " << iss.v << " and irs " << irs.v << ", dressing "
    << name(dressing()) << "; again with RAPPORT_SEED=" << run_seed() << "):\n";
  for (const auto& step : w_->story) s << step << '\n';
  return s.str();
}

void Peer::fails(const std::string& what, At at) const {
  w_->over = true;
  ADD_FAILURE_AT(at.file_name(), static_cast<int>(at.line())) << what << '\n' << story();
  throw StoryEnds{};
}

Peer& Peer::takes_all_frames() {
  tells("  the stack has no frame left");
  while (Frame frame = w_->frames_of_stack.allocate(0)) w_->taken.push_back(std::move(frame));
  return *this;
}

Peer& Peer::gives_frames_back() {
  tells("  the stack has frames again");
  w_->taken.clear();
  return *this;
}

}  // namespace rapport::scenario
