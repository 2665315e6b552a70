// Story: what happened between hosts, as observe/ reads it, and the work of putting it in order for
// two of them: which departure belongs to which arrival (Passage), and one order of all steps in
// which neither host's own order is broken (arrange). Words and drawing are elsewhere.
#pragma once

#include "rapport/base/trace.hh"
#include "rapport/base/wire_record.hh"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace rapport::observe {

// Something that no trace holds, told on a host's rail: "power fails".
struct Remark {
  uint32_t host = 0;
  uint32_t before = 0;  // the HostRecord::order of the first record after it
  Instant at;
  std::string text;
  bool forgets = false;  // the host lost every connection: its state is CLOSED again
  bool closes = false;   // a process's end: the close() calls of this instant are not told as calls
};

// Views: what they point to must outlive the story. `records` in their order; `wires` may be empty:
// then departures and arrivals are joined by serial number alone, and a loss is only guessed.
struct Story {
  std::vector<std::string> hosts;  // names
  std::span<const HostRecord> records;
  std::span<const WireRecord> wires;
  std::vector<Remark> remarks;
  bool goes_on = false;  // told up to some moment: frames are on the way then
};

inline constexpr size_t kAbsent = SIZE_MAX;

// One copy of one segment between two hosts.
struct Passage {
  uint32_t from = kNoHost, to = kNoHost;
  size_t sent = kAbsent;     // index in records: the sender's segment record
  size_t arrived = kAbsent;  // index in records: the receiver's segment, or drop before it was one
  Fate fate = Fate::Delivered;
  bool copy = false;       // the wire's extra copy: `sent` is that of its original
  bool under_way = false;  // it has not arrived, and nothing says that it will not
};

// All passages between hosts `left` and `right`, in order of departure.
[[nodiscard]] std::vector<Passage> passages(const Story& story, uint32_t left, uint32_t right);

enum class StepKind : uint8_t {
  Event,      // a record on one rail
  Remark,     // a remark on one rail
  Arrow,      // a passage whose departure and arrival are one line: nothing crosses it
  Departure,  // a passage leaves: it is lost, or arrives further down
  Arrival,    // a passage that left further up, or that nobody sent
};

struct Step {
  StepKind kind;
  size_t index;  // of the record, remark or passage
};

// Every record, remark and passage that concerns the two hosts, once. Samples are left out.
[[nodiscard]] std::vector<Step> arrange(const Story& story, std::span<const Passage> passages,
                                        uint32_t left, uint32_t right);

}  // namespace rapport::observe
