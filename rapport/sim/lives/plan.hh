// Plan: everything that happens in one random world, as a value: hosts, wires, who talks to whom
// and how each end behaves, mishaps. Drawn from a seed before the world begins (plan_hosts.cc,
// plan_talks.cc), told in words (plan_text.cc), and cut down by the shrinker (shrink.hh).
#pragma once

#include "rapport/base/faults.hh"
#include "rapport/base/time.hh"
#include "rapport/sim/link.hh"
#include "rapport/sim/world.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/config.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rapport::lives {

enum class Opening : uint8_t { ByFirst, BySecond, Together };

// How an end parts.
enum class Style : uint8_t {
  Polite,     // shuts down when it has written, reads to the end, then waits for the end of all
  Tidy,       // as Polite, but says CLOSE once both are done, and hears no more
  Follower,   // waits for the other's end of file, then says CLOSE
  Impatient,  // says CLOSE when it has written, whatever is unread
  Aborter,    // aborts after a while
  Dropper,    // the program ends after a while without saying anything
  Brusque,    // shuts down when it has written, and aborts a while later
  Hasty,      // opens, and closes or aborts while the handshake may still be under way
};
inline constexpr size_t kStyles = 8;

struct EndPlan {
  Style style = Style::Polite;
  uint32_t octets = 0;
  uint32_t write_chunk = 1, read_chunk = 1;
  uint32_t urgent_every = 0;             // each such number of chunks one is urgent; 0: none
  Duration write_pause{}, read_pause{};  // the longest; each is drawn
  Duration nap{};                        // before the first read
  Duration patience{};                   // of those who part after a while
  Duration start{};                      // when it opens
  bool aborts = false;                   // Hasty: ABORT instead of CLOSE
  tcp::ConnectionOptions options;
};

// Two ends, over and over between the same pair of sockets.
struct TalkPlan {
  std::array<sim::HostId, 2> hosts{0, 1};
  Opening opening = Opening::ByFirst;
  std::array<uint16_t, 2> port{};
  std::array<EndPlan, 2> ends;
  uint32_t rounds = 1;
  Duration between{};  // rounds
  // Both ends may expect to have everything and to part by the book.
  [[nodiscard]] bool is_gentle() const;
};

// A server with a queue, and its clients from ephemeral ports.
struct CrowdPlan {
  sim::HostId server = 0;
  uint16_t port = 0;
  uint32_t backlog = 1;
  std::vector<sim::HostId> clients;  // one connection each
  Duration span{};                   // in which they come
  Duration accept_pause{};           // the longest before each ACCEPT
  Duration closes_after{};           // the listener, unless all were served before
  EndPlan served, client;
};

enum class MishapKind : uint8_t {
  Partition,  // the wires between a and b are cut
  Crash,      // a dies, and comes up again
  SynFlood,   // SYNs from nowhere to a port of a
  Refusals,   // ICMP answers the SYNs of a: hard errors
  OldSyn,     // a SYN of another number reaches each TIME-WAIT and handshake of a
  Drain,      // a is told to end: CLOSE for all, ABORT at the deadline
  Strays,     // segments that nobody may take reach a, made from what it sends
};
inline constexpr size_t kMishapKinds = 7;

struct Mishap {
  MishapKind kind{};
  Instant at;
  Duration lasts{};
  sim::HostId a = 0, b = 0;
  uint16_t port = 0;
  uint32_t amount = 0;  // of SYNs
};

struct HostPlan {
  stack::Config stack;
  uint32_t frames = 8192;  // buffers of the pool: with few, sending waits
  uint32_t clock_lag_ppm = 0;
};

// Both directions between two hosts.
struct WayPlan {
  sim::HostId a = 0, b = 0;
  std::array<sim::LinkConfig, 2> ways;  // a to b, b to a
};

struct Plan {
  uint64_t seed = 0;
  std::vector<HostPlan> hosts;
  std::vector<WayPlan> wires;
  bool bursts = false, frames_first = false;
  std::vector<TalkPlan> talks;
  std::vector<CrowdPlan> crowds;
  std::vector<Mishap> mishaps;
  // So much goes wrong that a handshake or a close may fail for good.
  bool harsh = false;

  [[nodiscard]] std::string to_string() const;
};

// What whoever asks for worlds may fix; the rest is drawn.
struct Wishes {
  std::optional<uint32_t> hosts;  // 2 to 16
  std::optional<uint32_t> loss_ppm, duplicate_ppm, reorder_ppm, corrupt_ppm;
  std::optional<Duration> delay;      // of every wire
  std::optional<Duration> partition;  // one in every world, so long

  friend bool operator==(const Wishes&, const Wishes&) = default;
};

[[nodiscard]] Plan draw_plan(uint64_t seed, const Wishes& wishes = {});

// What docs/settings.md promises for the settings that no plan draws; the others as they were
// drawn.
[[nodiscard]] tcp::Config promised(tcp::Config drawn);

[[nodiscard]] std::string_view name(Style s);
[[nodiscard]] std::string_view name(Opening o);
[[nodiscard]] std::string_view name(MishapKind k);

}  // namespace rapport::lives
