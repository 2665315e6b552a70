// Ladders of captured packets on standard output, as `rapport ladder` and `rapport replay` print
// them.
#pragma once

#include "rapport/app/page.hh"
#include "rapport/observe/capture.hh"

#include <string>

namespace rapport::app {

// How many there are, the list of connections, and a ladder for each that has rows.
void print_capture(const observe::Capture& capture, const std::string& name, const Page& page);

// Misuse when `wanted` asks for a connection that is not there.
void refuse_missing(const observe::Capture& capture, const observe::Wanted& wanted,
                    const std::string& name);

}  // namespace rapport::app
