// Mutants of a script: each says one thing wrongly that the script expects of the stack (a packet,
// a result, an error, an output of a call, an assertion). A runner that passes a mutant does not
// look where that mutant lies. What is injected, called or set is never changed.
#pragma once

#include "rapport/base/time.hh"
#include "rapport/play/place.hh"
#include "rapport/play/script.hh"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rapport::play {

enum class MutantClass : uint8_t {
  AckPlusOne,
  SeqPlusOne,     // not of the first SYN sent: its number is only the script's name for the ISN
  FlagDropped,    // each flag
  FlagAdded,      // PSH, FIN, URG where they are not
  TimeShifted,    // a packet, or the end of a blocking call, later by twice the tolerance
  WrongOption,    // a value one more; an option missing; SACK-permitted where it is not
  WrongWindow,    // one more
  MissingPacket,  // the stack sends what the script does not mention
  ExtraPacket,    // the packet twice
  WrongResult,    // of a call
  WrongErrno,
  WrongOutput,  // of getsockopt, ioctl, poll, epoll_wait, recvmsg
  WrongAssert,  // a comparison turned round
};

inline constexpr size_t kMutantClasses = 13;

// "ack+1", "missing packet"
[[nodiscard]] std::string_view name(MutantClass kind);

struct Mutant {
  enum class Edit : uint8_t {
    Replace,      // event `at` becomes `event`
    Remove,       // event `at` goes; a relative time behind it counts from the one before
    InsertAfter,  // `event` comes behind event `at`
  };
  MutantClass kind{};
  Edit edit = Edit::Replace;
  size_t at = 0;     // index of the event
  Event event;       // unused for Remove
  Place place;       // of what is changed
  std::string what;  // "ack 2 for ack 1"
};

// The runner's tolerance of time: the larger of the two.
struct Tolerance {
  Duration fixed = 4_ms;
  int64_t permille = 125;  // of the time since the event before
};

// In order of events, the same for the same script. Nothing of what is left open (`...`, `*`, a
// number that is not compared) has mutants.
[[nodiscard]] std::vector<Mutant> mutants(const Script& script, const Tolerance& tolerance = {});

// The script with that mutant's edit.
[[nodiscard]] Script mutated(const Script& script, const Mutant& mutant);

}  // namespace rapport::play
