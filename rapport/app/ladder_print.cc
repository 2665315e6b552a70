// The list of a capture and its ladders.
#include "rapport/app/ladder_print.hh"

#include "rapport/app/page.hh"
#include "rapport/app/verbs.hh"
#include "rapport/observe/capture.hh"
#include "rapport/observe/capture_ladder.hh"
#include "rapport/observe/names.hh"

#include <cstddef>
#include <string>

#include <fmt/format.h>

namespace rapport::app {

void print_capture(const observe::Capture& capture, const std::string& name, const Page& page) {
  const observe::CaptureStyle style{.width = page.width,
                                    .ascii = page.ascii,
                                    .colour = page.colour,
                                    .microseconds = observe::wants_microseconds(capture)};
  const auto& all = capture.conversations();
  fmt::print("{}: {}, {}\n", name, observe::counted(capture.packets(), "packet"),
             observe::counted(all.size(), "connection"));
  fmt::print("{}", observe::capture_list(capture, style));
  for (size_t i = 0; i < all.size(); ++i) {
    if (!capture.has_rows(i)) continue;
    fmt::print("\n{}\n{}", i + 1, observe::capture_ladder(all[i], capture.began(), style));
  }
}

void refuse_missing(const observe::Capture& capture, const observe::Wanted& wanted,
                    const std::string& name) {
  const size_t n = capture.conversations().size();
  if (wanted.port && n == 0)
    throw Misuse(fmt::format("--port {}: {} holds no connection with it", *wanted.port, name));
  if (wanted.connection && *wanted.connection > n) {
    throw Misuse(fmt::format("--connection {}: {} holds {}", *wanted.connection, name,
                             observe::counted(n, "connection")));
  }
}

}  // namespace rapport::app
