// What one seed does: the wire, the two hosts and a few connections between them, each end with a
// character of its own. Everything is drawn here, before the world begins.
#pragma once

#include "rapport/base/time.hh"
#include "rapport/sim/link.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/config.hh"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace rapport::random_lives {

enum class Opening : uint8_t { ByFirst, BySecond, Together };

// How an end parts.
enum class Style : uint8_t {
  Polite,     // shuts down when it has written, reads to the end, then waits for the end of all
  Tidy,       // as Polite, but says CLOSE once both are done, and hears no more
  Follower,   // waits for the other's end of file, then says CLOSE
  Impatient,  // says CLOSE when it has written, whatever is unread
  Aborter,    // aborts after a while
  Dropper,    // the program ends after a while without saying anything
};

struct EndPlan {
  Style style = Style::Polite;
  uint32_t octets = 0;
  uint32_t write_chunk = 1, read_chunk = 1;
  uint32_t urgent_every = 0;             // each such number of chunks one is urgent; 0: none
  Duration write_pause{}, read_pause{};  // the longest; each is drawn
  Duration nap{};                        // before the first read
  Duration patience{};                   // of Impatient, Aborter and Dropper
  Duration start{};                      // when it opens
  tcp::ConnectionOptions options;
};

struct TalkPlan {
  Opening opening = Opening::ByFirst;
  std::array<uint16_t, 2> port{};
  std::array<EndPlan, 2> ends;
  // Both ends may expect to have everything and to part by the book.
  [[nodiscard]] bool is_gentle() const;
};

struct Plan {
  uint64_t seed = 0;
  std::array<sim::LinkConfig, 2> ways;  // first to second, second to first
  std::array<stack::Config, 2> hosts;
  std::array<uint32_t, 2> frames{};  // buffers of each host's pool: with few, sending waits
  bool bursts = false, frames_first = false;
  std::vector<TalkPlan> talks;
  // So many packets are lost that a handshake or a close may fail for good.
  bool harsh = false;

  [[nodiscard]] std::string to_string() const;
};

[[nodiscard]] Plan draw_plan(uint64_t seed);

}  // namespace rapport::random_lives
