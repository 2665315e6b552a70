// Drawing conversations.
#include "rapport/observe/capture_ladder.hh"

#include "rapport/base/address.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/observe/arrow.hh"
#include "rapport/observe/capture.hh"
#include "rapport/observe/conversation.hh"
#include "rapport/observe/dissect.hh"
#include "rapport/observe/infer.hh"
#include "rapport/observe/ladder.hh"
#include "rapport/observe/marks.hh"
#include "rapport/observe/names.hh"
#include "rapport/observe/segment_text.hh"
#include "rapport/observe/sheet.hh"
#include "rapport/observe/strip.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace rapport::observe {

namespace {

constexpr Duration kPause = 1_s;  // a longer silence gets a row of its own
constexpr size_t kPreview = 32;   // octets of text: longer texts are not shown

bool has(const TraceSegment& s, wire::Flags f) {
  return (s.flags & f.v) == f.v;
}

// 1234567 -> "1,234,567"
std::string grouped(uint64_t n) {
  std::string out = std::to_string(n);
  for (size_t i = out.size(); i > 3; i -= 3) out.insert(i - 3, ",");
  return out;
}

std::string grouped(uint64_t n, std::string_view noun) {
  return fmt::format("{} {}{}", grouped(n), noun, n == 1 ? "" : "s");
}

// A capture's clock may go backwards.
std::string since(Instant began, Instant at, bool microseconds) {
  const Duration d{std::max<int64_t>(0, at.ns - began.ns)};
  if (!microseconds) return seconds(d.ns);
  return fmt::format("{}.{:06}", d.to_s(), d.to_us() % 1'000'000);
}

// A length of time below a millisecond in microseconds.
std::string precise_words(Duration d) {
  return d > 0_ns && d < 1_ms ? fmt::format("{} us", d.to_us()) : length_words(d);
}

bool has_parts_of_ms(const std::vector<Row>& rows, Instant began) {
  return std::ranges::any_of(
      rows, [&](const Row& r) { return !r.fold && (r.at - began).ns % (1_ms).ns != 0; });
}

Ink ink_of_marks(const Marks& m) {
  const bool trouble = m.has(Mark::AfterGap) || m.has(Mark::AcksUnseen) || m.has(Mark::OutOfOrder)
                       || m.has(Mark::FillsGap) || m.has(Mark::DuplicateAck);
  return trouble ? Ink::Loss : Ink::Dim;
}

class Drawing {
 public:
  Drawing(const Conversation& c, Instant began, const CaptureStyle& style)
      : c_(c),
        began_(began),
        signs_(signs(style.ascii)),
        ascii_(style.ascii),
        microseconds_(style.microseconds),
        sheet_(measures(c, began, style), signs_, style.colour) {}

  std::string draw() {
    sheet_.title(to_string(c_.end(0)), to_string(c_.end(1)), Ink::Strong);
    for (const Row& r : c_.head()) row(r);
    if (c_.cut() > 0) left_out();
    for (const Row& r : c_.tail()) row(r);
    end();
    legend();
    return sheet_.take();
  }

 private:
  static Sheet::Measures measures(const Conversation& c, Instant began, const CaptureStyle& style) {
    Sheet::Measures m;
    m.width = std::clamp(style.width, kLeastWidth, kGreatestWidth);
    m.time = std::max<size_t>(6, since(began, c.last(), style.microseconds).size());
    m.state = 6;
    const auto fit = [&](const Belief& b) { m.state = std::max(m.state, columns(words(b))); };
    const auto fit_row = [&](const Row& r) {
      if (r.fold) return;
      fit(r.beliefs.sender);
      fit(r.beliefs.receiver);
    };
    for (const Row& r : c.head()) fit_row(r);
    for (const Row& r : c.tail()) fit_row(r);
    fit(c.belief(0));
    fit(c.belief(1));
    return m;
  }

  void pause(Instant at) {
    if (latest_ && at - *latest_ >= kPause)
      sheet_.interrupt(fmt::format("{} later", length_words(at - *latest_)));
    latest_ = latest_ ? std::max(*latest_, at) : at;
  }

  void row(const Row& r) {
    if (r.fold) return fold(*r.fold);
    pause(r.at);
    const bool to_right = r.from == 0;
    ArrowText text;
    text.label = label(r);
    text.ink = ink_of(r.segment.flags);
    const ArrowDrawing arrow = draw_arrow(text, to_right, sheet_.middle(), signs_);
    Beside from = beside(r.beliefs.sender, r.from);
    from.time = since(began_, r.at, microseconds_);
    const Beside to = beside(r.beliefs.receiver, 1 - r.from);
    sheet_.put(arrow.line, to_right ? from : to, to_right ? to : from,
               to_right ? Leaves::Left : Leaves::Right);
    details(r, arrow.rest);
  }

  // The state, strong where it is another one than above.
  Beside beside(const Belief& b, unsigned end) {
    Beside out{"", words(b), Ink::Plain};
    guessed_ |= b.state && !b.sure;
    std::string& above = above_.at(end);
    if (above != out.state) out.ink = Ink::Strong;
    above = out.state;
    return out;
  }

  std::string number(std::optional<uint32_t> relative, uint32_t absolute) {
    if (relative) return std::to_string(*relative);
    if (absolute == 0) return "0";
    absolute_ = true;
    return fmt::format("#{}", absolute);
  }

  std::vector<std::string> label(const Row& r) {
    const TraceSegment& s = r.segment;
    // The SEQ of a reset that answers a segment without ACK is just zero.
    const bool zero = has(s, wire::kRst) && s.seq == 0;
    std::vector<std::string> out{flag_words(s.flags)};
    out.push_back("seq=" + (zero ? "0" : number(r.seq, s.seq)));
    if (has(s, wire::kAck)) out.push_back("ack=" + number(r.ack, s.ack));
    if (s.text_length > 0) out.push_back(fmt::format("len={}", s.text_length));
    if (r.marks.has(Mark::Resent)) out.emplace_back("resent");
    if (has(s, wire::kUrg)) out.push_back(fmt::format("urgent={}", s.urgent));
    if (has(s, wire::kRst)) return out;
    const bool scaled = has(s, wire::kSyn) || r.scale_known;
    unscaled_ |= !scaled;
    out.push_back(fmt::format("win={}{}", window_octets(s, r.shift), scaled ? "" : "?"));
    return out;
  }

  void details(const Row& r, const std::vector<std::string>& rest) {
    const TraceSegment& s = r.segment;
    std::vector<std::string> all;
    if (!rest.empty()) all.push_back(fmt::format("{}", fmt::join(rest, " ")));
    const auto inside = contents(&s, nullptr, kPreview, ascii_);
    all.insert(all.end(), inside.begin(), inside.end());
    tell(r.from, all, Ink::Dim);
    tell(r.from, words(r.marks), ink_of_marks(r.marks));
    if (has(s, wire::kSyn | wire::kAck) && !r.marks.has(Mark::Resent)) agreed(1 - r.from);
  }

  void tell(unsigned end, const std::vector<std::string>& all, Ink ink) {
    for (const std::string& line : flow(all, sheet_.middle() - 4))
      sheet_.tell(end == 0, line, ink, {}, 3);
  }

  void agreed(unsigned end) {
    const auto all = c_.agreed();
    if (!all.empty()) tell(end, {fmt::format("agreed: {}", fmt::join(all, ", "))}, Ink::Dim);
  }

  void fold(const Fold& f) {
    std::string text = fmt::format("{} {}, {}", dots(), grouped(f.segments, "segment"), carried(f));
    if (latest_ && f.until - *latest_ >= kPause)
      text += fmt::format(", {}", length_words(f.until - *latest_));
    sheet_.interrupt(text + " " + std::string(dots()));
    latest_ = latest_ ? std::max(*latest_, f.until) : f.until;
  }

  [[nodiscard]] std::string carried(const Fold& f) const {
    if (f.octets[0] == 0 || f.octets[1] == 0) return grouped(f.octets[0] + f.octets[1], "octet");
    return fmt::format("{} {} and {} {}", signs_.head_right, grouped(f.octets[0], "octet"),
                       signs_.head_left, grouped(f.octets[1], "octet"));
  }

  [[nodiscard]] std::string_view dots() const { return ascii_ ? "..." : "…"; }

  void left_out() {
    sheet_.interrupt(
        fmt::format("{} {} left out: --limit {}", dots(), grouped(c_.cut(), "segment"), dots()));
    latest_.reset();
  }

  void end() {
    Strip middle;
    const std::string_view text = "end of the capture";
    middle.repeat(" ", (sheet_.middle() - columns(text)) / 2).add(text, Ink::Dim);
    middle.pad_to(sheet_.middle());
    sheet_.put(middle, beside(c_.belief(0), 0), beside(c_.belief(1), 1));
  }

  void legend() {
    std::vector<std::string> all;
    if (guessed_) all.emplace_back("STATE? the capture leaves it open");
    if (!c_.seen_from_the_start()) all.emplace_back("begun before the capture: numbers from there");
    if (unscaled_) all.emplace_back("win=n? not scaled: the handshake was not seen");
    if (absolute_) all.emplace_back("#n an absolute sequence number");
    sheet_.foot(all);
  }

  const Conversation& c_;
  Instant began_;
  const Signs& signs_;
  bool ascii_, microseconds_;
  Sheet sheet_;
  std::optional<Instant> latest_;
  std::array<std::string, 2> above_;
  bool guessed_ = false, unscaled_ = false, absolute_ = false;
};

// The columns of a list, as wide as they have to be.
struct Line {
  std::array<std::string, 7> cells;
};

Line line_of(const Conversation& c, size_t number, bool ascii) {
  const std::string length =
      precise_words(Duration{std::max<int64_t>(0, (c.last() - c.first()).ns)});
  std::string ending = c.ending();
  if (!c.seen_from_the_start()) ending += ", begun before";
  if (c.resent() > 0) ending += fmt::format("; {} resent", grouped(c.resent()));
  if (c.unseen() > 0) ending += fmt::format("; {} not captured", grouped(c.unseen(), "octet"));
  return {{std::to_string(number), to_string(c.end(0)), ascii ? "-" : "–", to_string(c.end(1)),
           grouped(c.segments(), "segment"),
           grouped(c.octets(0) + c.octets(1), "octet") + ", " + length, ending}};
}

std::string table_of(const std::vector<Line>& lines) {
  std::array<size_t, 7> widths{};
  for (const Line& l : lines) {
    for (size_t i = 0; i < widths.size(); ++i)
      widths.at(i) = std::max(widths.at(i), columns(l.cells.at(i)));
  }
  std::string out;
  for (const Line& l : lines) {
    Strip row(" ");
    for (size_t i = 0; i < widths.size(); ++i) {
      const std::string& cell = l.cells.at(i);
      const bool right = i == 0 || i == 4 || i == 5;
      row.repeat(" ", i == 0 || i == 2 || i == 3 ? 1 : 2);
      if (right) row.repeat(" ", widths.at(i) - columns(cell));
      row.add(cell);
      if (!right) row.repeat(" ", widths.at(i) - columns(cell));
    }
    out += row.render(false) + '\n';
  }
  return out;
}

std::string left_out_of(const Capture& capture) {
  std::string out;
  std::vector<std::string> others;
  for (size_t i = 0; i < static_cast<size_t>(NotASegment::kCount); ++i) {
    const auto why = static_cast<NotASegment>(i);
    if (capture.without(why) > 0)
      others.push_back(fmt::format("{} {}", grouped(capture.without(why)), name(why)));
  }
  if (!others.empty())
    out += fmt::format("  packets without a segment: {}\n", fmt::join(others, ", "));
  if (capture.beyond() > 0) {
    out +=
        fmt::format("  not counted: {} of connections after the first {}\n",
                    grouped(capture.beyond(), "segment"), grouped(capture.conversations().size()));
  }
  return out;
}

}  // namespace

bool wants_microseconds(const Capture& capture) {
  const auto& all = capture.conversations();
  const Instant began = capture.began();
  return std::ranges::all_of(all, [&](const Conversation& c) { return c.last() - began < 1_s; })
         && std::ranges::any_of(all, [&](const Conversation& c) {
              return has_parts_of_ms(c.head(), began) || has_parts_of_ms(c.tail(), began);
            });
}

std::string capture_ladder(const Conversation& c, Instant began, const CaptureStyle& style) {
  return Drawing(c, began, style).draw();
}

std::string capture_list(const Capture& capture, const CaptureStyle& style) {
  std::vector<Line> lines;
  size_t wanted = 0, drawn = 0;
  for (size_t i = 0; i < capture.conversations().size(); ++i) {
    if (!capture.is_wanted(i)) continue;
    if (++wanted <= style.listed)
      lines.push_back(line_of(capture.conversations()[i], i + 1, style.ascii));
    if (capture.has_rows(i)) ++drawn;
  }
  std::string out = table_of(lines);
  if (wanted > style.listed)
    out += fmt::format("  and {} more; --port and --connection choose\n",
                       grouped(wanted - style.listed));
  out += left_out_of(capture);
  if (drawn < wanted)
    out += fmt::format("  ladders of the first {}; --connection N draws another\n", grouped(drawn));
  return out;
}

}  // namespace rapport::observe
