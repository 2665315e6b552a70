// Questions whose world nobody sets up: the explorer finds the shortest one in which the missing
// rule does harm; the same choices are then made with the rule. What both runs cost is counted in
// their records.
#pragma once

#include "rapport/app/worlds/why_question.hh"
#include "rapport/base/time.hh"
#include "rapport/sim/explore/explorer.hh"
#include "rapport/sim/explore/scenario.hh"
#include "rapport/sim/explore/trial.hh"
#include "rapport/sim/record/recording.hh"
#include "rapport/tcp/rules.hh"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace rapport::app {

// Where to look.
struct Search {
  tcp::Rule rule;
  sim::explore::Scenario scenario;
  std::span<const sim::explore::Parting> partings;
  uint32_t faults;     // the most
  Duration aftermath;  // that both runs go on after the breach
  sim::explore::Shape shape{};
  bool only_text = false;  // harm is only what an application reads that nobody wrote to it
};

// What one run cost, host by host where an array says so.
struct Toll {
  uint64_t segments = 0;          // sent by both
  uint64_t resets = 0;            // connections that a reset ended
  uint64_t failed = 0;            // calls of the server's application that failed
  uint64_t client_read = 0;       // octets, by its application
  uint64_t server_open = 0;       // times that the server became ESTABLISHED
  uint64_t unwanted = 0;          // of these, with a client who never acknowledged its number
  uint64_t unwanted_text = 0;     // octets that the server sent into them
  Duration unwanted_time{};       // how long it held them
  Duration time_wait{};           // that the client spent there, the first time
  uint64_t rst_in_time_wait = 0;  // that came to it there
  uint64_t server_read = 0;       // octets, by its application
  uint64_t misread = 0;           // of these, that no client wrote there in that connection
  uint64_t paws = 0;              // segments that the server refused for their timestamp
  uint32_t numbers_used = 0;      // by the client's first connection, SYN and FIN included
  uint32_t numbers_on = 0;        // from its ISS to that of the next; 0: there was none
  std::vector<uint64_t> memory;   // octets that the server's stack held, at kMemoryAfter
};

// How long after the breach.
inline constexpr std::array kMemoryAfter{0_s, 1_s, 5_s, 60_s};

struct Finding {
  sim::explore::Tally tally;
  std::string origin;  // for Answer
  std::string breach;  // "agreement (RFC ...): words"
  Run with, without;
  Toll with_toll, without_toll;
  sim::explore::Counterexample found;
  std::vector<sim::explore::Trial::Mischief> mischief;
  Instant broken_at;
};

// The same goes wrong once more, without the rule but with timestamps at both ends.
[[nodiscard]] Toll with_timestamps(const Finding& finding, Duration aftermath);

// Failure when there is none: the explorer then holds all invariants to be kept. The run without
// the rule is written into `recording`, unless it is nullptr.
[[nodiscard]] Finding find(const Search& search, sim::Recording* recording);

}  // namespace rapport::app
