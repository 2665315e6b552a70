// Lookups in a syntax tree, and the wording of a syntax error.
#include "rapport/play/script.hh"

#include "rapport/play/place.hh"

#include <algorithm>
#include <cstddef>
#include <ranges>
#include <string>
#include <string_view>

namespace rapport::play {

std::string SyntaxError::text() const {
  return file + ":" + std::to_string(place.line) + ":" + std::to_string(place.column)
         + ": expected " + expected + ", found " + found;
}

bool operator==(const Expr& a, const Expr& b) {
  if (a.kind != b.kind || a.hexadecimal != b.hexadecimal || a.open_ended != b.open_ended)
    return false;
  if (a.number != b.number || a.text != b.text || a.items.size() != b.items.size()) return false;
  for (size_t i = 0; i < a.items.size(); ++i) {
    if (!(a.items[i] == b.items[i])) return false;
  }
  return true;
}

const Expr* Expr::field(std::string_view name) const {
  const auto at = std::ranges::find_if(
      items, [name](const Expr& e) { return e.kind == Kind::Field && e.text == name; });
  return at == items.end() ? nullptr : at->items.data();
}

const Option* Script::option(std::string_view name) const {
  const auto last_first = std::views::reverse(options);
  const auto at = std::ranges::find(last_first, name, &Option::name);
  return at == last_first.end() ? nullptr : &*at;
}

std::string_view Script::line(Place place) const {
  const size_t n = place.line;
  return n == 0 || n > lines.size() ? std::string_view{} : std::string_view{lines[n - 1]};
}

}  // namespace rapport::play
