// Painting a ladder: the order of steps comes from story.cc, arrows from arrow.cc, words of
// segments from segment_text.cc; here are rows, columns and what is told about each kind of step.
#include "rapport/observe/ladder.hh"

#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/observe/arrow.hh"
#include "rapport/observe/intent.hh"
#include "rapport/observe/names.hh"
#include "rapport/observe/notes.hh"
#include "rapport/observe/rails.hh"
#include "rapport/observe/segment_text.hh"
#include "rapport/observe/sheet.hh"
#include "rapport/observe/story.hh"
#include "rapport/observe/strip.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace rapport::observe {

namespace {

constexpr Duration kPause = 1_s;       // a longer silence gets a row of its own
constexpr Duration kLongWay = 500_ms;  // a longer way is told at the arrival
constexpr std::string_view kWindow = "win=";
constexpr std::string_view kLaw = "RFC 9293 ";  // before a clause; the legend names it once
constexpr size_t kPreview = 32;                 // octets of text: longer texts are not shown

std::string_view state_name(uint8_t state) {
  return state == kUnknownState ? "" : tcp::name(static_cast<tcp::State>(state));
}

// --- the painter ---

// Which arrows tell their window: all; or, where not all have room for it, only those of a host
// whose window is closed or was before.
enum class Windows : uint8_t { Every, Closed };

class Painter {
 public:
  Painter(const Story& story, const LadderStyle& style, Windows windows)
      : story_(story),
        style_(style),
        signs_(signs(style.ascii)),
        passages_(passages(story, style.left, style.right)),
        steps_(arrange(story, passages_, style.left, style.right)),
        rails_(story, style.left, style.right),
        sheet_(measures(story, style.width), signs_, style.colour),
        every_window_(windows == Windows::Every) {}

  std::string paint() {
    header();
    for (const Step& s : steps_) step(s);
    legend();
    return sheet_.take();
  }

  // Some arrow had no room for its window.
  [[nodiscard]] bool crowded() const { return crowded_; }

 private:
  [[nodiscard]] bool is_left(uint32_t host) const { return host == style_.left; }

  static Sheet::Measures measures(const Story& story, size_t wanted) {
    Sheet::Measures m;
    int64_t latest = 0;
    m.state = columns(tcp::name(tcp::State::Closed));
    const auto fit = [&](uint8_t state) {
      m.state = std::max(m.state, columns(state_name(state)));
    };
    for (const HostRecord& r : story.records) {
      latest = std::max(latest, r.record.header.at.ns);
      if (r.record.header.kind == TraceKind::Transition) fit(r.record.as<TraceTransition>().to);
      if (r.record.header.kind == TraceKind::Segment) fit(r.record.as<TraceSegment>().state);
    }
    for (const Remark& r : story.remarks) latest = std::max(latest, r.at.ns);
    m.time = std::max<size_t>(6, seconds(latest).size());
    m.width = std::clamp(wanted, kLeastWidth, kGreatestWidth);
    return m;
  }

  // --- rows

  // Text of one host's side, next to its rail.
  void tell(uint32_t host, const Note& note, const Beside& beside, size_t indent = 1) {
    sheet_.tell(is_left(host), note.text, note.ink, beside, indent);
  }

  void pause(Instant next) {
    if (started_ && next - latest_ >= kPause)
      sheet_.interrupt(fmt::format("{} later", length_words(next - latest_)));
    started_ = true;
    latest_ = std::max(latest_, next);
  }

  // The time for a row of `host`, empty when the row above on this side has told it.
  std::string time(uint32_t host, Instant at) {
    std::string text = seconds(at);
    std::string& last = told_[is_left(host) ? 0 : 1];
    if (text == last) return {};
    last = text;
    return text;
  }

  std::string time_always(uint32_t host, Instant at) {
    told_[is_left(host) ? 0 : 1] = seconds(at);
    return seconds(at);
  }

  // --- steps

  void step(const Step& s) {
    switch (s.kind) {
      case StepKind::Event: return event(story_.records[s.index]);
      case StepKind::Remark: return remark(story_.remarks[s.index]);
      case StepKind::Arrow: return arrow(passages_[s.index], Course::Whole);
      case StepKind::Departure: return arrow(passages_[s.index], course_of(passages_[s.index]));
      case StepKind::Arrival: return arrow(passages_[s.index], Course::Arriving);
    }
  }

  void remark(const Remark& r) {
    pause(r.at);
    if (r.forgets) rails_.forget(r.host);
    if (r.closes) closing_[is_left(r.host) ? 0 : 1] = r.at;
    tell(r.host, {fmt::format("{} {}", signs_.call, r.text), Ink::Reset},
         {time(r.host, r.at), "", Ink::Plain});
  }

  void event(const HostRecord& r) {
    const Instant at = r.record.header.at;
    if (!is_worth_telling(r.record) || is_told_by_remark(r)) return;
    pause(at);
    if (r.record.header.kind == TraceKind::Transition) return transition(r);
    const Note note = r.record.header.kind == TraceKind::Drop ? drop(r) : note_of(r.record, signs_);
    if (note.text.empty()) return;
    if (r.record.header.kind == TraceKind::Options) rails_.agree(r);
    const bool causes =
        r.record.header.kind == TraceKind::Call || r.record.header.kind == TraceKind::Timer;
    const std::string state = causes ? std::string(rails_.state(r)) : "";
    tell(r.host, note, {time(r.host, at), state, Ink::Plain}, causes ? 1 : 3);
  }

  // A close() by which the end of a process showed.
  [[nodiscard]] bool is_told_by_remark(const HostRecord& r) const {
    return r.record.header.kind == TraceKind::Call
           && static_cast<CallKind>(r.record.as<TraceCall>().call) == CallKind::Close
           && closing_[is_left(r.host) ? 0 : 1] == r.record.header.at;
  }

  [[nodiscard]] Note drop(const HostRecord& r) const {
    const auto index = static_cast<size_t>(&r - story_.records.data());
    const std::string_view intent = intent_of_refused(story_, passages_, index);
    return intent.empty() ? note_of(r.record, signs_) : Note{std::string(intent), Ink::Dim};
  }

  void transition(const HostRecord& r) {
    const auto t = r.record.as<TraceTransition>();
    rails_.move(r);
    std::string clause = clause_of(t);
    if (clause.starts_with(kLaw)) {
      clause.erase(0, kLaw.size());
      seen_law_ = true;
    }
    const std::string text =
        fmt::format("{}: {}", tcp::name(static_cast<tcp::Event>(t.event)), clause);
    tell(r.host, {text, Ink::Dim},
         {time(r.host, r.record.header.at), std::string(tcp::name(static_cast<tcp::State>(t.to))),
          Ink::Strong},
         3);
  }

  // --- arrows

  // The records of a passage's two ends, as far as they are there; one is.
  struct Ends {
    std::optional<TraceSegment> sent, arrived;

    [[nodiscard]] const TraceSegment* from() const { return sent ? &*sent : nullptr; }

    [[nodiscard]] const TraceSegment* to() const { return arrived ? &*arrived : nullptr; }

    // The sender's, or the receiver's.
    [[nodiscard]] const TraceSegment& any() const { return *(sent ? from() : to()); }
  };

  [[nodiscard]] std::optional<TraceSegment> segment(size_t record) const {
    if (record == kAbsent) return std::nullopt;
    const TraceRecord& r = story_.records[record].record;
    if (r.header.kind != TraceKind::Segment) return std::nullopt;
    return r.as<TraceSegment>();
  }

  // Of a departure whose arrival is not on its line.
  static Course course_of(const Passage& p) {
    return p.arrived == kAbsent && !p.under_way ? Course::Lost : Course::Leaving;
  }

  static std::string_view end_words(const Passage& p, Course course) {
    if (course == Course::Lost) return fate_words(p.fate);
    return course == Course::Leaving && p.under_way ? "on the way" : "";
  }

  void arrow(const Passage& p, Course course) {
    const Ends ends{segment(p.sent), segment(p.arrived)};
    const bool to_right = is_left(p.from);
    const bool leaves = course != Course::Arriving;
    const bool arrives = course == Course::Whole || course == Course::Arriving;
    pause(story_.records[leaves ? p.sent : p.arrived].record.header.at);
    if (leaves) rails_.note_syn(story_.records[p.sent]);

    const ArrowText text{
        .label = label(p, ends, course),
        .ink = ink_of(ends.any().flags),
        .cause = ends.sent ? static_cast<SendCause>(ends.sent->cause) : SendCause::Stack,
        .course = course,
        .fate = std::string(end_words(p, course)),
    };
    if (leaves) seen_causes_ |= 1U << static_cast<unsigned>(text.cause);
    ArrowDrawing drawing = draw_arrow(text, to_right, sheet_.middle(), signs_);
    crowded_ |= !drawing.rest.empty() && drawing.rest.back().starts_with(kWindow);

    Beside from, to;
    if (leaves) from = beside(p.sent, p.from);
    if (arrives) to = beside(p.arrived, p.to);
    const Leaves side = to_right ? Leaves::Left : Leaves::Right;
    sheet_.put(drawing.line, to_right ? from : to, to_right ? to : from,
               leaves ? side : Leaves::None);
    details(p, ends, drawing.rest, course);
    if (arrives && !ends.arrived) event(story_.records[p.arrived]);
  }

  Beside beside(size_t record, uint32_t host) {
    const HostRecord& r = story_.records[record];
    Beside out{time_always(host, r.record.header.at), "", Ink::Plain};
    latest_ = std::max(latest_, r.record.header.at);
    if (const auto s = segment(record)) out.state = state_name(s->state);
    return out;
  }

  std::vector<std::string> label(const Passage& p, const Ends& ends, Course course) {
    const TraceSegment& s = ends.any();
    const SegmentNumbers n = rails_.numbers(story_.records, p, ends.from(), ends.to());
    seen_absolute_ |= n.absolute;
    earlier_ = n.earlier;
    std::vector<std::string> out{flag_words(s.flags), "seq=" + n.seq};
    if (!n.ack.empty()) out.push_back("ack=" + n.ack);
    if (s.text_length > 0) out.push_back(fmt::format("len={}", s.text_length));
    if (p.copy) out.emplace_back("duplicate");
    if (course == Course::Arriving) return out;
    if (s.retransmission != 0) out.emplace_back("resent");
    if ((s.flags & wire::kUrg.v) != 0) out.push_back(fmt::format("urgent={}", s.urgent));
    if ((s.flags & wire::kRst.v) == 0) {
      const uint32_t window = window_octets(s, rails_.shift(story_.records, p));
      bool& closed = closed_[is_left(p.from) ? 0 : 1];
      if (every_window_ || closed || window == 0)
        out.push_back(fmt::format("{}{}", kWindow, window));
      closed = window == 0;
    }
    return out;
  }

  void details(const Passage& p, const Ends& ends, const std::vector<std::string>& rest,
               Course course) {
    std::vector<std::string> all;
    if (!rest.empty()) all.push_back(fmt::format("{}", fmt::join(rest, " ")));
    if (course != Course::Arriving) {
      const auto inside = contents(ends.from(), ends.to(), kPreview, style_.ascii);
      all.insert(all.end(), inside.begin(), inside.end());
    }
    if (!ends.sent) all.push_back(fmt::format("the {} did not send it", story_.hosts[p.from]));
    if (earlier_) all.emplace_back("counts from an earlier SYN");
    if (p.fate == Fate::Corrupted) all.emplace_back("corrupted on the way");
    append_delay(p, course, all);
    const uint32_t host = course == Course::Arriving ? p.to : p.from;
    for (const std::string& line : flow(all, sheet_.middle() - 4))
      tell(host, {line, Ink::Dim}, {}, 3);
  }

  void append_delay(const Passage& p, Course course, std::vector<std::string>& all) const {
    if (p.sent == kAbsent || p.arrived == kAbsent || course == Course::Leaving) return;
    const Instant left = story_.records[p.sent].record.header.at;
    if (story_.records[p.arrived].record.header.at - left < kLongWay) return;
    all.push_back(fmt::format("left at {}", seconds(left)));
  }

  // --- above and below

  void header() {
    sheet_.title(story_.hosts[style_.left], story_.hosts[style_.right], Ink::Strong);
    sheet_.title(rails_.endpoint(style_.left), rails_.endpoint(style_.right), Ink::Dim);
  }

  void legend() {
    std::vector<std::string> words;
    const auto seen = [&](SendCause c) {
      return (seen_causes_ >> static_cast<unsigned>(c) & 1) != 0;
    };
    const auto line = [&](std::string_view sign, std::string_view text) {
      words.push_back(fmt::format("{}{}{} {}", sign, sign, sign, text));
    };
    if (seen(SendCause::Call)) line(signs_.by_call, "an application's call sent it");
    if (seen(SendCause::Stack) || seen(SendCause::Answer))
      line(signs_.by_stack, "the stack by itself");
    if (seen(SendCause::Timer)) line(signs_.by_timer, "a timer");
    if (seen_law_) words.emplace_back("3.x clauses of RFC 9293");
    if (seen_absolute_) words.emplace_back("#n an absolute sequence number");
    sheet_.foot(words);
  }

  const Story& story_;
  LadderStyle style_;
  const Signs& signs_;
  std::vector<Passage> passages_;
  std::vector<Step> steps_;
  Rails rails_;
  Sheet sheet_;
  bool started_ = false;
  Instant latest_{};
  // Of the left and right side:
  std::array<std::string, 2> told_;
  std::array<bool, 2> closed_{};                   // the window last sent was 0
  std::array<std::optional<Instant>, 2> closing_;  // when a process ended
  unsigned seen_causes_ = 0;
  bool seen_absolute_ = false, seen_law_ = false;
  bool every_window_, crowded_ = false;
  bool earlier_ = false;  // of the segment that is being told
};

}  // namespace

std::string ladder(const Story& story, const LadderStyle& style) {
  if (style.left >= story.hosts.size() || style.right >= story.hosts.size()) return {};
  Painter painter(story, style, Windows::Every);
  const std::string out = painter.paint();
  return painter.crowded() ? Painter(story, style, Windows::Closed).paint() : out;
}

}  // namespace rapport::observe
