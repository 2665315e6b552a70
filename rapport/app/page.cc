// Options of printing, and what the terminal says.
#include "rapport/app/page.hh"

#include "rapport/app/verbs.hh"
#include "rapport/observe/ladder.hh"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <string>

#include <CLI/App.hpp>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace rapport::app {

namespace {

constexpr size_t kDefaultWidth = 100;  // where there is no terminal

size_t terminal_width() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return std::clamp<size_t>(size.ws_col, observe::kLeastWidth, observe::kGreatestWidth);
  return kDefaultWidth;
}

bool wants_colour(const std::string& color) {
  if (color == "always") return true;
  if (color == "never") return false;
  if (color != "auto")
    throw Misuse(fmt::format("--color {}: auto, always or never is allowed", color));
  return isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
}

}  // namespace

void add_page_options(CLI::App& verb, PageArguments& a) {
  verb.add_flag("--ascii", a.ascii, "Draw with plain ASCII");
  verb.add_option("--width", a.width, "Columns, 72 to 160 (the terminal's, else 100)")
      ->type_name("N");
  verb.add_option("--color", a.color, "auto, always or never (auto)")->type_name("WHEN");
}

Page page_of(const PageArguments& a) {
  Page p;
  p.ascii = a.ascii;
  p.colour = wants_colour(a.color);
  p.width = a.width.empty()
                ? terminal_width()
                : whole_number("--width", a.width, observe::kLeastWidth, observe::kGreatestWidth);
  return p;
}

}  // namespace rapport::app
