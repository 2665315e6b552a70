// Player: the peer of one sequence. It builds the segments, keeps the time of each step, and says
// what came back in numbers that do not depend on who answered: ISNs, ports and clocks are taken
// out, windows are zero or not.
#pragma once

#include "host.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/wire/tcp.hh"
#include "sequence.hh"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace rapport::differential {

// How long a step that does not say it takes; what is answered meanwhile is answered at once.
inline constexpr Duration kAtOnce = 25_ms;

struct Answer {
  Judged judged = Judged::Everything;
  std::string step;  // as it was written
  std::string said;  // "ok; A seq 1 ack 2 => CLOSE-WAIT"
};

class Player {
 public:
  // `sequence` must outlive it.
  Player(const Sequence& sequence, const Ends& ends);

  // Ends the step that runs, if one does, and begins the next one. False: there is none.
  bool advance(Instant now, Host& host);

  // When advance() is due.
  [[nodiscard]] Instant due() const { return due_; }

  // The stack has sent a packet.
  void hears(std::span<const uint8_t> packet);

  [[nodiscard]] const std::vector<Answer>& answers() const { return answers_; }

 private:
  void ends_step(Host& host);
  void begins(const Step& step, Host& host);
  void says(const SegmentWords& words, Host& host);
  void fills(Host& host);
  void says_icmp(const IcmpWords& words, Host& host);
  [[nodiscard]] wire::Options options_of(const SegmentWords& w) const;
  [[nodiscard]] Seq place(const Place& p) const;
  void notes(const wire::Segment& s);
  [[nodiscard]] std::string in_words(const wire::Segment& s) const;
  [[nodiscard]] std::string peer_number(Seq n) const;
  [[nodiscard]] std::string options_in_words(const wire::Options& o) const;

  const Sequence& sequence_;
  Ends ends_;
  size_t next_ = 0;
  Instant due_;
  std::vector<Answer> answers_;
  std::string outcome_;            // of the step's call
  std::vector<std::string> said_;  // in this step

  Seq irs_, iss_;  // the peer's and the stack's first numbers
  bool iss_known_ = false, timestamps_ = false, edge_known_ = false;
  uint8_t shift_ = 0;
  int64_t mine_ = 0;    // what follows what the peer has sent in order
  int64_t theirs_ = 1;  // what the peer acknowledges
  Seq acked_, edge_;    // the stack's last ACK and where its window ends
  Seq sent_;            // behind the last octet that the stack has sent
  uint32_t segments_ = 0, their_stamp_ = 0;
};

}  // namespace rapport::differential
