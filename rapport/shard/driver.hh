// Driver: runs programs on a Shard in real time. The programs are a coroutine::Host on the shard's
// stack, or anything that is turned as one is; they take all events of that stack. In one turn
// packets and due timers come in, programs run until none is ready, and what they said leaves with
// the acknowledgements that are owed. The caller's thread is the loop while run() lasts; a foreign
// loop watches the shard's fd() and deadline(), and calls turn().
//   coroutine::Host host(shard->stack(), shard->now());
//   host.spawn(serve(host));
//   shard::Driver driver(*shard, host);
//   driver.run();
#pragma once

#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/shard/shard.hh"

#include <algorithm>
#include <concepts>
#include <cstddef>

namespace rapport::shard {

// turn(): takes the stack's events, ends sleeps that are due, runs what is ready; true when
// anything ran. next_deadline(): when a sleep or a time limit ends. running(): programs not yet
// ended.
template <class P>
concept Programs = requires(P& programs, const P& seen, Instant now) {
  { programs.turn(now) } -> std::same_as<bool>;
  { seen.next_deadline() } -> std::same_as<Instant>;
  { seen.running() } -> std::convertible_to<size_t>;
};

template <Programs P>
class Driver {
 public:
  // Owns neither; both must outlive it, and the shard the programs.
  Driver(Shard& shard, P& programs) : shard_(&shard), programs_(&programs) {}

  // One turn. True: work is left, call again before waiting. What a program throws comes out; the
  // next turn goes on with the others.
  bool turn() {
    shard_->take();
    const Instant now = shard_->now();  // one instant for the whole turn
    (void)programs_->turn(now);
    const bool more = shard_->flush();
    return programs_->turn(now) || more;  // connections retire when frames are sent, and tell
  }

  // When a turn is due even if the shard's fd() stays silent; kNever when nothing is timed.
  [[nodiscard]] Instant deadline() const {
    return std::min(shard_->deadline(), programs_->next_deadline());
  }

  // Waits for a packet, deadline() or `until`, whichever comes first.
  void wait(Instant until = kNever) { shard_->wait(std::min(until, programs_->next_deadline())); }

  // Turns and waits until done(), asked after each turn; false when it is `latest` before.
  template <std::predicate Done>
  bool run_until(Done done, Instant latest = kNever) {
    for (;;) {
      const bool more = turn();
      if (done()) return true;
      if (shard_->now() >= latest) return false;
      if (!more) wait(latest);
    }
  }

  // Until every program has ended; false when it is `latest` before. The stack still has to part
  // from the peers of streams that were closed: drain(), or a later run.
  bool run(Instant latest = kNever) {
    return run_until([this] { return programs_->running() == 0; }, latest);
  }

  // Stops listening, closes every connection as CLOSE does (RFC 9293 3.10.4) and runs until only
  // TIME-WAIT is left. What is still open after `patience` is reset (CloseReason::Drained): false.
  bool drain(Duration patience) {
    const Instant now = shard_->now();
    const auto reset = [this] { return shard_->stack().counters().ended_by(CloseReason::Drained); };
    const auto reset_before = reset();
    shard_->stack().drain(now, now + patience);
    // The stack resets by itself; the second is for a device that is stuck.
    const bool drained =
        run_until([this] { return shard_->stack().drained(); }, now + patience + 1_s);
    return drained && reset() == reset_before;
  }

 private:
  Shard* shard_;
  P* programs_;
};

}  // namespace rapport::shard
