// Drawing of arrows. A line is put together from the sender's rail on and mirrored for the other
// way.
#include "rapport/observe/arrow.hh"

#include "rapport/base/trace.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/observe/strip.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rapport::observe {

namespace {

constexpr size_t kTail = 1;    // line before the label
constexpr size_t kLeast = 2;   // line behind the label, at least
constexpr size_t kFading = 4;  // dots where an arrow leaves or comes into sight

// Takes words from the front of `words` while they fit.
std::string take_label(std::vector<std::string>& words, size_t room) {
  std::string label;
  size_t taken = 0;
  while (taken < words.size()) {
    const size_t more = columns(words[taken]) + (taken > 0 ? 1 : 0);
    if (taken > 0 && columns(label) + more > room) break;
    if (taken > 0) label += ' ';
    label += words[taken++];
  }
  words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(taken));
  return label;
}

struct Pieces {
  std::vector<Strip> all;
  size_t width = 0;

  void add(std::string_view text, Ink ink = Ink::Plain) {
    all.emplace_back(text, ink);
    width += all.back().width();
  }

  void line(std::string_view sign, size_t n, Ink ink) {
    Strip s;
    s.repeat(sign, n, ink);
    width += n;
    all.push_back(std::move(s));
  }

  [[nodiscard]] Strip put(bool to_right) const {
    Strip out;
    for (size_t i = 0; i < all.size(); ++i) out.add(all[to_right ? i : all.size() - 1 - i]);
    return out;
  }
};

// What an end takes: a head, or a mark and what happened, or the dots where it fades.
size_t end_columns(const ArrowText& text) {
  switch (text.course) {
    case Course::Whole: return 1;
    case Course::Lost: return 2 + columns(text.fate);
    case Course::Leaving: return kFading + (text.fate.empty() ? 0 : 1 + columns(text.fate));
    case Course::Arriving: return kFading + 1;
  }
  return 1;
}

struct Plan {
  const ArrowText& text;
  std::string_view label;
  bool to_right;
  size_t room;   // for the line behind the label
  size_t width;  // of it all

  // The line of an arrow that is not whole.
  [[nodiscard]] size_t shortened() const { return std::max(kLeast, std::min(room, width / 6)); }
};

std::string_view head(const Plan& plan, const Signs& signs) {
  return plan.to_right ? signs.head_right : signs.head_left;
}

void arriving(Pieces& p, const Plan& plan, const Signs& signs) {
  const std::string_view sign = line_sign(plan.text.cause, signs);
  const Ink ink = plan.text.ink;
  p.line(" ", plan.room - std::min(plan.room, plan.shortened()), Ink::Plain);
  p.line(signs.in_flight, kFading, Ink::Dim);
  p.line(sign, plan.shortened(), ink);
  p.add(" " + std::string(plan.label) + " ", ink);
  p.line(sign, kTail, ink);
  p.add(head(plan, signs), ink);
}

void leaving(Pieces& p, const Plan& plan, const Signs& signs) {
  const std::string_view sign = line_sign(plan.text.cause, signs);
  const Ink ink = plan.text.ink;
  const bool whole = plan.text.course == Course::Whole;
  p.line(sign, kTail, ink);
  p.add(" " + std::string(plan.label) + " ", ink);
  p.line(sign, whole ? plan.room : plan.shortened(), ink);
  if (whole) p.add(head(plan, signs), ink);
  if (plan.text.course == Course::Leaving) p.line(signs.in_flight, kFading, Ink::Dim);
  if (plan.text.course == Course::Lost) p.add(signs.lost, Ink::Loss);
  if (!whole && !plan.text.fate.empty()) {
    // Mirrored with the rest, the words stay on the far side of the mark.
    p.add(plan.to_right ? " " + plan.text.fate : plan.text.fate + " ",
          plan.text.course == Course::Lost ? Ink::Loss : Ink::Dim);
  }
  p.line(" ", plan.width > p.width ? plan.width - p.width : 0, Ink::Plain);
}

}  // namespace

Ink ink_of(uint8_t flags) {
  if ((flags & wire::kRst.v) != 0) return Ink::Reset;
  if ((flags & wire::kSyn.v) != 0) return Ink::Open;
  if ((flags & wire::kFin.v) != 0) return Ink::Part;
  return Ink::Plain;
}

std::string_view fate_words(Fate fate) {
  switch (fate) {
    case Fate::Overflowed: return "lost: queue full";
    case Fate::Partitioned: return "lost: wire cut";
    case Fate::NoSuchHost: return "lost: nobody there";
    case Fate::HostDown: return "lost: host down";
    default: return "lost";
  }
}

std::string_view line_sign(SendCause cause, const Signs& signs) {
  switch (cause) {
    case SendCause::Call: return signs.by_call;
    case SendCause::Timer: return signs.by_timer;
    case SendCause::Stack:
    case SendCause::Answer: break;
  }
  return signs.by_stack;
}

ArrowDrawing draw_arrow(const ArrowText& text, bool to_right, size_t width, const Signs& signs) {
  const size_t fixed = kTail + 2 + end_columns(text);  // without the line behind the label
  ArrowDrawing out;
  out.rest = text.label;
  const size_t most = fixed + kLeast;
  const std::string label = take_label(out.rest, width > most ? width - most : 1);
  const size_t used = fixed + columns(label);
  const size_t room = std::max(kLeast, width > used ? width - used : 0);  // for the line
  Pieces p;
  if (text.course == Course::Arriving) {
    arriving(p, {text, label, to_right, room, width}, signs);
  } else {
    leaving(p, {text, label, to_right, room, width}, signs);
  }
  out.line = p.put(to_right);
  return out;
}

}  // namespace rapport::observe
