// Intent: segments outside the window that were sent to be answered, not to be taken. To a trace
// they are drops like any other (RFC 9293 3.10.7.4, first); a ladder says what they are for.
#pragma once

#include "rapport/observe/story.hh"

#include <cstddef>
#include <span>
#include <string_view>

namespace rapport::observe {

// What the segment that record `drop` refused was for: a FIN that restarts 2MSL (RFC 9293 3.10.7.4,
// eighth), a probe of a closed window (3.8.6.1) or of an idle peer (3.8.4). Empty: nothing of it.
[[nodiscard]] std::string_view intent_of_refused(const Story& story,
                                                 std::span<const Passage> passages, size_t drop);

}  // namespace rapport::observe
