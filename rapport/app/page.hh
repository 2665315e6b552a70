// Page: how ladders are printed: width, signs, colour; the options that verbs share.
#pragma once

#include <cstddef>
#include <string>

#include <CLI/CLI.hpp>

namespace rapport::app {

// As given on the command line.
struct PageArguments {
  bool ascii = false;
  std::string width, color = "auto";
};

struct Page {
  size_t width = 100;
  bool ascii = false, colour = false;
};

// --ascii, --width and --color; `a` must outlive the parsing.
void add_page_options(CLI::App& verb, PageArguments& a);
// Misuse for values that are not allowed. Asks the terminal where nothing is said.
[[nodiscard]] Page page_of(const PageArguments& a);

}  // namespace rapport::app
