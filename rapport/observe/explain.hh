// Explanations computed from a trace: what each segment of a handshake proves to whom, and who
// caused each segment of a close. Tables of text for `rapport demo`; every line is true of this
// very run.
#pragma once

#include "rapport/observe/story.hh"

#include <cstdint>
#include <string>
#include <vector>

namespace rapport::observe {

// One line for each segment that taught its receiver something new about the two ways, until both
// know all four of: left sends, right receives, right sends, left receives. The last line says
// whether it came to that.
[[nodiscard]] std::vector<std::string> explain_handshake(const Story& story, uint32_t left,
                                                         uint32_t right);

// One line for each segment from the first FIN on: when, who, what, and whether an application's
// call, a timer or the stack by itself sent it.
[[nodiscard]] std::vector<std::string> explain_close(const Story& story, uint32_t left,
                                                     uint32_t right);

}  // namespace rapport::observe
