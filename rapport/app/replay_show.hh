// What `rapport replay` prints: inputs step by step, ladders, and how it went.
#pragma once

#include "rapport/app/page.hh"
#include "rapport/observe/capture.hh"
#include "rapport/observe/story.hh"
#include "rapport/sim/record/replay.hh"

#include <string>

namespace rapport::app {

// One line for the latest input: its number, time, host, what was asked, what came of it, and the
// changes of state that it led to.
[[nodiscard]] std::string step_line(const sim::Replay& replay, const Page& page);

// Views of what the replay keeps.
[[nodiscard]] observe::Story story_of(const sim::Replay& replay);

// Of each two hosts whose ladder tells the story, or that exchanged frames.
void print_ladders(const sim::Replay& replay, const Page& page);

// Gives the packets of the latest input to a capture.
void capture_packets(const sim::Replay& replay, observe::Capture& capture);

// What the recording is of, in a line.
[[nodiscard]] std::string title_of(const sim::Replay& replay, const Page& page);

// How far it came and that all was the same, or what was not; lines.
[[nodiscard]] std::string summary_of(const sim::Replay& replay);

}  // namespace rapport::app
