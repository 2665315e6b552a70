// Columns, inks and signs.
#include "rapport/observe/strip.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace rapport::observe {

namespace {

std::string_view escape(Ink ink) {
  switch (ink) {
    case Ink::Plain: return "";
    case Ink::Dim: return "\x1b[2m";
    case Ink::Strong: return "\x1b[1m";
    case Ink::Open: return "\x1b[32m";
    case Ink::Part: return "\x1b[34m";
    case Ink::Reset: return "\x1b[1;31m";
    case Ink::Call: return "\x1b[36m";
    case Ink::Timer: return "\x1b[35m";
    case Ink::Loss: return "\x1b[31m";
  }
  return "";
}

// Where a line of at most `width` columns ends: before a space if there is one behind the first
// word, else where the first word ends.
size_t line_end(std::string_view line, size_t width) {
  if (columns(line) <= width) return line.size();
  const size_t begin = std::min(line.find_first_not_of(' '), line.size());
  size_t end = line.find(' ', begin);
  while (end != std::string_view::npos) {
    const size_t next = line.find(' ', line.find_first_not_of(' ', end));
    if (columns(line.substr(0, next)) > width) break;
    end = next;
  }
  return std::min(end, line.size());
}

}  // namespace

size_t columns(std::string_view text) {
  return static_cast<size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<uint8_t>(c) & 0xc0) != 0x80; }));
}

Strip& Strip::add(std::string_view text, Ink ink) {
  if (text.empty()) return *this;
  width_ += columns(text);
  if (!pieces_.empty() && pieces_.back().ink == ink) {
    pieces_.back().text += text;
  } else {
    pieces_.push_back({std::string(text), ink});
  }
  return *this;
}

Strip& Strip::add(const Strip& other) {
  for (const Piece& p : other.pieces_) add(p.text, p.ink);
  return *this;
}

Strip& Strip::repeat(std::string_view sign, size_t n, Ink ink) {
  std::string text;
  for (size_t i = 0; i < n; ++i) text += sign;
  return add(text, ink);
}

Strip& Strip::pad_to(size_t width) {
  return width > width_ ? repeat(" ", width - width_) : *this;
}

std::string Strip::render(bool colour) const {
  std::string out;
  for (const Piece& p : pieces_) {
    const std::string_view on = colour ? escape(p.ink) : "";
    out += on;
    out += p.text;
    if (!on.empty()) out += "\x1b[0m";
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

Strip justified(const Strip& left, const Strip& right, size_t width) {
  Strip out = left;
  const size_t used = left.width() + right.width();
  out.repeat(" ", width > used ? width - used : 0);
  out.add(right);
  return out;
}

std::vector<std::string> flow(const std::vector<std::string>& words, size_t width,
                              std::string_view glue) {
  std::vector<std::string> lines;
  for (const std::string& w : words) {
    const size_t comma = &w == &words.back() ? 0 : 1;  // may have to follow the word
    if (!lines.empty() && columns(lines.back()) + columns(glue) + columns(w) + comma <= width) {
      lines.back().append(glue).append(w);
    } else {
      if (!lines.empty() && glue.starts_with(',')) lines.back() += ',';
      lines.push_back(w);
    }
  }
  return lines;
}

std::vector<std::string> paragraph(std::string_view text, size_t width, size_t indent) {
  std::vector<std::string> lines;
  std::string margin;
  while (true) {
    const std::string line = margin + std::string(text);
    const size_t end = line_end(line, width);
    lines.push_back(line.substr(0, end));
    const size_t next = line.find_first_not_of(' ', end);
    if (next == std::string::npos) return lines;
    text.remove_prefix(next - margin.size());
    margin.assign(indent, ' ');
  }
}

const Signs& signs(bool ascii) {
  static constexpr Signs kAscii{.rail = "|",
                                .leave_right = "|",
                                .leave_left = "|",
                                .head_right = ">",
                                .head_left = "<",
                                .by_stack = "-",
                                .by_call = "=",
                                .by_timer = ".",
                                .in_flight = "~",
                                .lost = "x",
                                .call = "*",
                                .timer = "o",
                                .pause = ":",
                                .middle_dot = "-",
                                .dash = "-"};
  static constexpr Signs kUnicode{.rail = "│",
                                  .leave_right = "├",
                                  .leave_left = "┤",
                                  .head_right = "▶",
                                  .head_left = "◀",
                                  .by_stack = "─",
                                  .by_call = "═",
                                  .by_timer = "┄",
                                  .in_flight = "·",
                                  .lost = "✗",
                                  .call = "●",
                                  .timer = "○",
                                  .pause = "⋮",
                                  .middle_dot = "·",
                                  .dash = "–"};
  return ascii ? kAscii : kUnicode;
}

}  // namespace rapport::observe
