// The programs of one connection's two ends, as coroutines: they open, write, read and part as
// their plan says, and note what they saw.
#pragma once

#include "plan.hh"
#include "rapport/base/address.hh"
#include "rapport/base/random.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/sim/incarnation.hh"
#include "rapport/sim/invariants.hh"
#include "rapport/sim/world.hh"
#include "rapport/socket/coroutine/host.hh"
#include "rapport/socket/coroutine/stream.hh"
#include "rapport/socket/coroutine/task.hh"
#include "rapport/socket/coroutine/waiting.hh"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace rapport::random_lives {

// One end and what became of it.
struct End {
  coroutine::Host* host = nullptr;
  sim::HostId id = 0;
  sim::Invariants* watch = nullptr;
  sim::Tuple tuple;
  EndPlan plan;
  Random random{0};
  uint64_t writes_stream = 0, reads_stream = 0;  // which octets
  coroutine::Stream stream;
  coroutine::Gate written, finished_reading;

  std::optional<Error> open_error, write_error, read_error;
  bool opened = false, end_of_file = false, ended = false, wrong_octet = false;
  uint32_t sent = 0, received = 0, chunks = 0;
  CloseReason reason = CloseReason::None;
  bool knows_reason = false;

  [[nodiscard]] std::string to_string() const;
};

struct Talk {
  TalkPlan plan;
  std::array<Endpoint, 2> at;
  std::array<End, 2> ends;
};

// Gives the world's hosts the programs of a talk. `talk` must outlive the world.
void begin(Talk& talk, sim::World& world, sim::Invariants& watch, const Plan& plan);

}  // namespace rapport::random_lives
