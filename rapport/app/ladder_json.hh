// The lines of `demo --json` back into a story, and its ladders. docs/json.md names the fields.
#pragma once

#include "rapport/app/page.hh"
#include "rapport/observe/capture.hh"

#include <cstdio>
#include <string>

namespace rapport::app {

// Prints a ladder for each two hosts that exchanged segments. `wanted` chooses among these pairs
// and by port. Returns what is wrong with the first line that cannot be read, empty for nothing;
// Misuse when that is the very first one.
[[nodiscard]] std::string draw_json(std::FILE* file, const std::string& name,
                                    const observe::Wanted& wanted, const Page& page);

}  // namespace rapport::app
