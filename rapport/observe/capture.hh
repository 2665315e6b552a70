// Capture: the conversations in a file of captured packets, in the order in which they begin.
// Memory is bounded: only so many conversations are told apart, and rows are kept of the wanted
// ones alone; what was not kept is counted. Pure: somebody else reads the file.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/time.hh"
#include "rapport/observe/conversation.hh"
#include "rapport/observe/dissect.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace rapport::observe {

struct Wanted {
  Keeping keeping;
  std::optional<size_t> connection;  // only this one, counted from 1
  std::optional<uint16_t> port;      // only those that one end of which has this port
  size_t ladders = 100;              // most conversations whose rows are kept
  size_t conversations = 100'000;    // most that are told apart
};

class Capture {
 public:
  explicit Capture(const Wanted& wanted) : wanted_(wanted) {}

  // The next packet: what was kept of it from the IP header on, and its length on the wire.
  void packet(std::span<const uint8_t> kept, size_t length, Instant at);

  // The next packet, which holds no IP.
  void other_packet() { ++packets_, ++no_segment_[0]; }

  // Nothing more comes.
  void finish();

  // --- what there is to tell ---
  [[nodiscard]] const std::vector<Conversation>& conversations() const { return conversations_; }

  // Conversation `index` is one of those that were asked for.
  [[nodiscard]] bool is_wanted(size_t index) const;

  // Its rows were kept.
  [[nodiscard]] bool has_rows(size_t index) const { return keeps_rows_[index]; }

  [[nodiscard]] uint64_t packets() const { return packets_; }

  [[nodiscard]] uint64_t without(NotASegment why) const {
    return no_segment_.at(static_cast<size_t>(why));
  }

  // Segments of conversations beyond the cap.
  [[nodiscard]] uint64_t beyond() const { return beyond_; }

  // Of the first packet that holds a segment.
  [[nodiscard]] Instant began() const { return began_.value_or(Instant{}); }

 private:
  using Key = std::pair<Endpoint, Endpoint>;  // the smaller first

  void segment(const SeenSegment& s);
  // Where the segment belongs; nothing beyond the cap.
  [[nodiscard]] std::optional<size_t> place(const SeenSegment& s);

  Wanted wanted_;
  std::vector<Conversation> conversations_;
  std::vector<bool> keeps_rows_;
  size_t ladders_ = 0;
  std::map<Key, size_t> latest_;  // conversation of these ends
  uint64_t packets_ = 0, beyond_ = 0;
  std::array<uint64_t, static_cast<size_t>(NotASegment::kCount)> no_segment_{};
  std::optional<Instant> began_;
};

}  // namespace rapport::observe
