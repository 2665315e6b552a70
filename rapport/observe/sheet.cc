// Rows and columns of a ladder.
#include "rapport/observe/sheet.hh"

#include "rapport/observe/strip.hh"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace rapport::observe {

namespace {

// Arrows and words need some room, however wide the times of a strange capture are: such a ladder
// is wider than it was asked to be.
constexpr size_t kLeastMiddle = 30;

size_t between_rails(const Sheet::Measures& m) {
  const size_t beside = 2 * (m.time + 1 + m.state + 2);
  return std::max(m.width, beside + kLeastMiddle) - beside;
}

}  // namespace

Sheet::Sheet(const Measures& measures, const Signs& signs, bool colour)
    : measures_(measures), signs_(signs), colour_(colour), middle_(between_rails(measures)) {}

void Sheet::put(const Strip& middle, const Beside& left, const Beside& right, Leaves leaves) {
  const size_t time = measures_.time, state = measures_.state;
  Strip row;
  row.repeat(" ", time - std::min(time, columns(left.time)));
  row.add(left.time, Ink::Dim).add(" ");
  row.repeat(" ", state - std::min(state, columns(left.state)));
  row.add(left.state, left.ink).add(" ");
  row.add(leaves == Leaves::Left ? signs_.leave_right : signs_.rail);
  row.add(middle);
  row.add(leaves == Leaves::Right ? signs_.leave_left : signs_.rail);
  row.add(" ").add(right.state, right.ink);
  if (!right.time.empty()) {
    row.repeat(" ", state - std::min(state, columns(right.state)));
    row.add(" ").repeat(" ", time - std::min(time, columns(right.time)));
    row.add(right.time, Ink::Dim);
  }
  out_ += row.render(colour_);
  out_ += '\n';
}

void Sheet::tell(bool on_left, std::string_view text, Ink ink, const Beside& beside,
                 size_t indent) {
  bool first = true;
  for (const std::string& line : paragraph(text, middle_ - indent - 1, 2)) {
    Strip middle;
    if (on_left) {
      middle.repeat(" ", indent).add(line, ink).pad_to(middle_);
    } else {
      std::string_view words = line;
      words.remove_prefix(std::min(words.find_first_not_of(' '), words.size()));
      Strip right(words, ink);
      right.repeat(" ", indent);
      middle = justified({}, right, middle_);
    }
    const Beside mine = first ? beside : Beside{};
    put(middle, on_left ? mine : Beside{}, on_left ? Beside{} : mine);
    first = false;
  }
}

void Sheet::interrupt(std::string_view text) {
  Strip middle;
  const size_t margin = middle_ - std::min(middle_, columns(text));
  middle.repeat(" ", margin / 2).add(text, Ink::Dim).pad_to(middle_);
  Strip row;
  row.repeat(" ", measures_.time + measures_.state + 2).add(signs_.pause, Ink::Dim).add(middle);
  row.add(signs_.pause, Ink::Dim);
  out_ += row.render(colour_);
  out_ += '\n';
}

void Sheet::title(std::string_view left, std::string_view right, Ink ink) {
  const size_t margin = measures_.time + 1 + measures_.state + 1;
  // Each name ends, or begins, at its rail.
  Strip row;
  row.pad_to(margin + 1 > columns(left) ? margin + 1 - columns(left) : 0);
  row.add(left, ink);
  row.pad_to(margin + 1 + middle_).add(right, ink);
  out_ += row.render(colour_) + '\n';
}

void Sheet::foot(const std::vector<std::string>& words) {
  for (const std::string& l : flow(words, measures_.width - 4, "   "))
    out_ += Strip("    " + l, Ink::Dim).render(colour_) + '\n';
}

}  // namespace rapport::observe
