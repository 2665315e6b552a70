// From segments to rows.
#include "rapport/observe/conversation.hh"

#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/observe/dissect.hh"
#include "rapport/observe/infer.hh"
#include "rapport/observe/marks.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/options.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace rapport::observe {

namespace {

constexpr size_t kRunBegins = 2;  // of a run of plain rows so many are shown at its beginning
constexpr size_t kRunEnds = 1;    // and at its end
constexpr size_t kFewest = 5;     // are folded at once
constexpr std::string_view kSides[] = {"left", "right"};

bool has(const TraceSegment& s, wire::Flags f) {
  return (s.flags & f.v) == f.v;
}

bool is_closed(const Belief& b) {
  return b.state == tcp::State::Closed || b.state == tcp::State::TimeWait;
}

void add(Fold& fold, const Row& r) {
  ++fold.segments;
  fold.octets.at(r.from) += r.marks.fresh;
  fold.until = r.at;
}

}  // namespace

Conversation::Conversation(const SeenSegment& s) : ends_{s.from, s.to}, first_(s.at), last_(s.at) {
  const bool syn = has(s.segment, wire::kSyn);
  const bool answers = syn && has(s.segment, wire::kAck);
  if (answers || (!syn && s.from.port < s.to.port)) std::swap(ends_[0], ends_[1]);
}

void Conversation::see(const SeenSegment& s, const Keeping& keeping) {
  const unsigned from = side(s);
  Row r = row(from, s);
  count(from, s, r.marks);
  const bool plain = keeping.fold && is_plain(r);
  latest_ = r.beliefs;
  if (keeping.rows == 0) return;
  if (!plain) {
    release(keeping);
    keep(std::move(r), keeping);
  } else if (++run_ <= kRunBegins) {
    keep(std::move(r), keeping);
  } else {
    hold(std::move(r));
  }
}

void Conversation::finish(const Keeping& keeping) {
  release(keeping);
  std::ranges::rotate(tail_, tail_.begin() + static_cast<std::ptrdiff_t>(oldest_));
  oldest_ = 0;
}

bool Conversation::begins_anew(const SeenSegment& s) const {
  if (!has(s.segment, wire::kSyn) || has(s.segment, wire::kAck)) return false;
  const bool over = is_closed(inference_.belief(0)) || is_closed(inference_.belief(1));
  return over && s.segment.seq != flows_.origin(side(s));
}

void Conversation::follow(const Conversation& before) {
  for (unsigned e = 0; e < 2; ++e) {
    const unsigned was = before.ends_[0] == ends_.at(e) ? 0 : 1;
    if (before.belief(was).state == tcp::State::TimeWait) inference_.remember_time_wait(e);
  }
}

Row Conversation::row(unsigned from, const SeenSegment& s) {
  Row r;
  r.at = s.at;
  r.from = from;
  r.segment = s.segment;
  r.marks = flows_.see(from, s.segment);
  r.beliefs = inference_.see(from, s.at, s.segment);
  if (has(s.segment, wire::kSyn)) {
    wire::Options o;
    wire::read_options(
        std::span(s.segment.options).first(std::min<size_t>(s.segment.option_length, 40)), o);
    offered_.at(from) = o;
  }
  TraceSegment& t = r.segment;
  if (flows_.is_near(from, t.seq)) r.seq = t.seq - flows_.origin(from);
  if (flows_.is_near(1 - from, t.ack)) r.ack = t.ack - flows_.origin(1 - from);
  t.relative_known = r.seq && r.ack ? 1 : 0;
  t.relative_seq = r.seq.value_or(0);
  t.relative_ack = r.ack.value_or(0);
  r.scale_known = inference_.seen_from_the_start();
  if (scaling() && !has(t, wire::kSyn)) r.shift = offered_.at(from)->window_scale;
  return r;
}

void Conversation::count(unsigned from, const SeenSegment& s, const Marks& marks) {
  ++segments_;
  last_ = std::max(last_, s.at);
  octets_.at(from) += marks.fresh;
  unseen_ += marks.unseen;
  if (marks.has(Mark::Resent) || marks.has(Mark::PartlyResent)) ++resent_;
  if (marks.has(Mark::Refuses)) refused_ = true;
  if (marks.has(Mark::Resets)) reset_by_ = from;
  if (has(s.segment, wire::kSyn)) {  // another attempt
    refused_ = false;
    reset_by_.reset();
  }
  if (has(s.segment, wire::kFin) && !std::exchange(fin_.at(from), true) && !first_fin_)
    first_fin_ = from;
}

bool Conversation::scaling() const {
  return offered_[0] && offered_[1] && offered_[0]->has_window_scale
         && offered_[1]->has_window_scale;
}

// Text or an ACK and nothing else to tell, with both states as they were.
bool Conversation::is_plain(const Row& r) const {
  const auto other = static_cast<uint8_t>(~(wire::kAck | wire::kPsh).v);
  const bool same = latest_ && r.beliefs.sender.state == r.beliefs.receiver.state
                    && latest_->sender == latest_->receiver && latest_->sender == r.beliefs.sender;
  return (r.segment.flags & other) == 0 && r.marks.bits == 0 && same;
}

void Conversation::hold(Row r) {
  held_.push_back(std::move(r));
  if (!fold_ && held_.size() < kFewest + kRunEnds) return;
  if (!fold_) fold_.emplace();
  while (held_.size() > kRunEnds) swallow();
}

void Conversation::swallow() {
  add(*fold_, held_.front());
  held_.erase(held_.begin());
}

// The run is over.
void Conversation::release(const Keeping& keeping) {
  run_ = 0;
  if (fold_) {
    Row r;
    r.at = fold_->until;
    r.fold = std::exchange(fold_, std::nullopt);
    keep(std::move(r), keeping);
  }
  for (Row& r : held_) keep(std::move(r), keeping);
  held_.clear();
}

// Three quarters of the rows are the first ones, the rest the last.
void Conversation::keep(Row r, const Keeping& keeping) {
  const size_t last = std::max<size_t>(1, keeping.rows / 4);
  if (head_.size() + last < keeping.rows) {
    head_.push_back(std::move(r));
    return;
  }
  if (tail_.size() < last) {
    tail_.push_back(std::move(r));
    return;
  }
  Row& oldest = tail_[oldest_];
  cut_ += oldest.fold ? oldest.fold->segments : 1;
  oldest = std::move(r);
  oldest_ = (oldest_ + 1) % last;
}

std::string Conversation::ending() const {
  if (refused_) return "refused";
  if (reset_by_) return fmt::format("reset by {}", kSides[*reset_by_]);
  if (auto words = parting()) return *words;
  if (offered_[0] && !offered_[1] && seen_from_the_start()
      && belief(0).state == tcp::State::SynSent)
    return "no answer to the SYN";
  return "open";
}

std::optional<std::string> Conversation::parting() const {
  if (!first_fin_) return std::nullopt;
  if (!fin_[0] || !fin_[1]) return fmt::format("half closed by {}", kSides[*first_fin_]);
  const Belief left = belief(0), right = belief(1);
  if (!is_closed(left) || !is_closed(right)) return "closing";
  if (left.state == right.state) return "closed by both at once";
  return fmt::format("closed, {} first", kSides[*first_fin_]);
}

std::vector<std::string> Conversation::agreed() const {
  if (!offered_[0] || !offered_[1]) return {};
  const wire::Options &l = *offered_[0], &r = *offered_[1];
  std::vector<std::string> out;
  if (!scaling()) {
    out.emplace_back("no scale");
  } else if (l.window_scale == r.window_scale) {
    out.push_back(fmt::format("scale {}", l.window_scale));
  } else {
    out.push_back(fmt::format("scale {} left, {} right", l.window_scale, r.window_scale));
  }
  out.emplace_back(l.sack_permitted && r.sack_permitted ? "SACK" : "no SACK");
  out.emplace_back(l.has_timestamps && r.has_timestamps ? "timestamps" : "no timestamps");
  return out;
}

}  // namespace rapport::observe
