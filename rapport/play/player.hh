// play(): a script against a stack of its own, in virtual time: events in order of time, the clock
// jumps from one to the next, bursts of one. Pure: the same script gives the same verdict. An
// endless one ends by a bound on timers and on the time that it may wait for a packet.
#pragma once

#include "rapport/base/frame.hh"
#include "rapport/base/time.hh"
#include "rapport/play/parse.hh"
#include "rapport/play/rules.hh"
#include "rapport/play/script.hh"
#include "rapport/play/verdict.hh"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string_view>
#include <vector>

namespace rapport::play {

struct PlayOptions {
  Rules rules;                   // none: strict
  bool strict_settings = false;  // the strict profile of docs/rules/choices.md
  std::vector<Option> options;   // as if they stood above those of the script, which win
  bool allow_leftover = false;   // packets that the script does not mention are no failure
  bool ladder = true;            // with a failure; it costs a second run
  size_t width = 100;            // of the ladder
  bool ascii = false;
};

// "*" waits at most so long for a packet.
inline constexpr Duration kLongestWait{int64_t{24} * 3600 * 1'000'000'000};

// What scripts can share: buffers. Not for two threads at once.
class Workshop {
 public:
  // Buffers for packets of up to `octets`.
  [[nodiscard]] FramePool& frames(uint32_t octets);

 private:
  std::map<uint32_t, std::unique_ptr<FramePool>> pools_;
};

[[nodiscard]] Verdict play(const Script& script, const PlayOptions& options, Workshop& workshop);

}  // namespace rapport::play
