// The programs of a plan as coroutines: they open, write, read and part as their plan says, and
// note what they saw. What they wrote and read, Invariants compares.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/random.hh"
#include "rapport/base/reason.hh"
#include "rapport/sim/incarnation.hh"
#include "rapport/sim/invariants.hh"
#include "rapport/sim/lives/plan.hh"
#include "rapport/sim/world.hh"
#include "rapport/socket/coroutine/host.hh"
#include "rapport/socket/coroutine/opening.hh"
#include "rapport/socket/coroutine/stream.hh"
#include "rapport/socket/coroutine/task.hh"
#include "rapport/socket/coroutine/waiting.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

namespace rapport::lives {

// One end of one connection and what became of it.
struct End {
  coroutine::Host* host = nullptr;
  sim::Invariants* watch = nullptr;
  sim::HostId id = 0;
  sim::Tuple tuple;
  EndPlan plan;
  Random random{0};
  uint64_t stream_number = 0;  // which octets it writes
  coroutine::Stream stream;
  Handle raw;  // of a Hasty one, while it has not parted
  coroutine::Gate written, finished_reading, done;

  std::optional<Error> open_error, write_error, read_error;
  // `begun`: its program runs. `crashed`: its host died under it.
  bool begun = false, opened = false, end_of_file = false, ended = false, crashed = false;
  uint32_t sent = 0, received = 0, chunks = 0;
  CloseReason reason = CloseReason::None;
  bool knows_reason = false;

  [[nodiscard]] std::string to_string() const;
};

// The rounds of a TalkPlan.
struct Talk {
  TalkPlan plan;
  std::array<Endpoint, 2> at;
  std::deque<std::array<End, 2>> rounds;
};

// A server and its clients.
struct Crowd {
  CrowdPlan plan;
  Endpoint at;
  coroutine::Listener listener;
  std::deque<End> served, clients;
};

// Gives the world's hosts the programs. What they are given must outlive the world.
void begin(Talk& talk, sim::World& world, sim::Invariants& watch, const Plan& plan);
void begin(Crowd& crowd, sim::World& world, sim::Invariants& watch, const Plan& plan);
// The server alone: its host has come up again.
void serve(Crowd& crowd, sim::World& world, sim::Invariants& watch, const Plan& plan);

}  // namespace rapport::lives
