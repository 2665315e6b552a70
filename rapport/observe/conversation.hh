// Conversation: one TCP connection of a capture: what passed between its two ends, put into rows
// for a ladder, and a summary. Rows are bounded: runs of plain text and ACKs are folded, and beyond
// a limit the middle is left out; both are counted. Pure.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/observe/dissect.hh"
#include "rapport/observe/infer.hh"
#include "rapport/observe/marks.hh"
#include "rapport/wire/options.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rapport::observe {

// Segments that are not told one by one.
struct Fold {
  uint64_t segments = 0;
  std::array<uint64_t, 2> octets{};  // of text, from each end
  Instant until;                     // when the last of them passed
};

// One line of a ladder, with what is told under it.
struct Row {
  Instant at;
  unsigned from = 0;  // 0: the left end
  TraceSegment segment;
  Beliefs beliefs;
  Marks marks;
  std::optional<uint32_t> seq, ack;  // relative; nothing where they cannot be told so
  uint8_t shift = 0;                 // of its window
  bool scale_known = true;
  std::optional<Fold> fold;  // then the row stands for these instead of a segment
};

struct Keeping {
  size_t rows = 200;  // the most of one conversation; 0: only the summary
  bool fold = true;
};

class Conversation {
 public:
  // Begins with `first`; who opens it, or has the higher port, is the left end.
  explicit Conversation(const SeenSegment& first);

  // The next segment between the two.
  void see(const SeenSegment& s, const Keeping& keeping);
  // Nothing more comes: what was held back to be folded becomes rows.
  void finish(const Keeping& keeping);

  // A SYN that begins another connection of the same addresses and ports.
  [[nodiscard]] bool begins_anew(const SeenSegment& s) const;
  // Ends that were left in TIME-WAIT by `before`, under the same addresses and ports.
  void follow(const Conversation& before);

  // --- what there is to tell ---
  [[nodiscard]] const Endpoint& end(unsigned e) const { return ends_.at(e); }

  [[nodiscard]] uint64_t segments() const { return segments_; }

  // Octets of text from an end, each counted once.
  [[nodiscard]] uint64_t octets(unsigned e) const { return octets_.at(e); }

  [[nodiscard]] uint64_t resent() const { return resent_; }

  // Octets that were acknowledged and that the capture does not hold.
  [[nodiscard]] uint64_t unseen() const { return unseen_; }

  [[nodiscard]] Instant first() const { return first_; }

  [[nodiscard]] Instant last() const { return last_; }

  [[nodiscard]] Belief belief(unsigned e) const { return inference_.belief(e); }

  [[nodiscard]] bool seen_from_the_start() const { return inference_.seen_from_the_start(); }

  // "closed, left first", "reset by right", "refused", "open", ...
  [[nodiscard]] std::string ending() const;
  // Options that both SYNs hold: "scale 3, SACK, timestamps". Empty before both were seen.
  [[nodiscard]] std::vector<std::string> agreed() const;

  // In order; between the two parts `cut()` segments are left out.
  [[nodiscard]] const std::vector<Row>& head() const { return head_; }

  // In order after finish().
  [[nodiscard]] const std::vector<Row>& tail() const { return tail_; }

  [[nodiscard]] uint64_t cut() const { return cut_; }

 private:
  [[nodiscard]] unsigned side(const SeenSegment& s) const { return s.from == ends_[0] ? 0 : 1; }

  [[nodiscard]] Row row(unsigned from, const SeenSegment& s);
  [[nodiscard]] bool is_plain(const Row& r) const;
  void count(unsigned from, const SeenSegment& s, const Marks& marks);
  void hold(Row r);
  void release(const Keeping& keeping);
  void swallow();
  void keep(Row r, const Keeping& keeping);
  [[nodiscard]] bool scaling() const;
  [[nodiscard]] std::optional<std::string> parting() const;

  std::array<Endpoint, 2> ends_;
  Inference inference_;
  Flows flows_;
  std::array<std::optional<wire::Options>, 2> offered_;  // by their SYNs
  std::array<bool, 2> fin_{};
  std::optional<unsigned> first_fin_, reset_by_;
  bool refused_ = false;
  uint64_t segments_ = 0, resent_ = 0, unseen_ = 0, cut_ = 0;
  std::array<uint64_t, 2> octets_{};
  Instant first_, last_;
  std::optional<Beliefs> latest_;  // of the row before
  size_t run_ = 0;                 // plain rows in a row
  std::vector<Row> held_;          // the latest of them
  std::optional<Fold> fold_;
  std::vector<Row> head_;
  std::vector<Row> tail_;  // a ring
  size_t oldest_ = 0;      // in it
};

}  // namespace rapport::observe
