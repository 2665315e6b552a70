// Drawing of arrows. A line is put together from the sender's rail on and mirrored for the other
// way.
#include "rapport/observe/arrow.hh"

#include <algorithm>

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
    if (to_right) {
      for (const Strip& s : all) out.add(s);
    } else {
      for (auto s = all.rbegin(); s != all.rend(); ++s) out.add(*s);
    }
    return out;
  }
};

}  // namespace

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
  const std::string_view sign = line_sign(text.cause, signs);
  const std::string_view head = to_right ? signs.head_right : signs.head_left;
  const std::string fate = text.course == Course::Lost ? " " + text.fate : "";
  size_t extras = 1 + columns(fate);  // a head or a mark, and what happened
  if (text.course == Course::Leaving) extras = kFading;
  if (text.course == Course::Arriving) extras = kFading + 1;

  ArrowDrawing out;
  out.rest = text.label;
  const size_t fixed = kTail + 2 + kLeast + extras;
  const std::string label = take_label(out.rest, width > fixed ? width - fixed : 1);
  const size_t used = fixed - kLeast + columns(label);
  const size_t room = std::max(kLeast, width > used ? width - used : 0);  // for the line

  Pieces p;
  if (text.course == Course::Arriving) {
    const size_t shown = std::max(kLeast, std::min(room, width / 6));
    p.line(" ", room - std::min(room, shown), Ink::Plain);
    p.line(signs.in_flight, kFading, Ink::Dim);
    p.line(sign, shown, text.ink);
    p.add(" " + label + " ", text.ink);
    p.line(sign, kTail, text.ink);
    p.add(head, text.ink);
  } else {
    p.line(sign, kTail, text.ink);
    p.add(" " + label + " ", text.ink);
    const bool whole = text.course == Course::Whole;
    p.line(sign, whole ? room : std::max(kLeast, std::min(room, width / 6)), text.ink);
    if (whole) p.add(head, text.ink);
    if (text.course == Course::Leaving) p.line(signs.in_flight, kFading, Ink::Dim);
    if (text.course == Course::Lost) {
      p.add(signs.lost, Ink::Loss);
      // Mirrored with the rest, the word stays on the far side of the mark.
      p.add(to_right ? fate : text.fate + " ", Ink::Loss);
    }
    p.line(" ", width > p.width ? width - p.width : 0, Ink::Plain);
  }
  out.line = p.put(to_right);
  return out;
}

}  // namespace rapport::observe
