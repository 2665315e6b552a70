// How much may be in flight: one seam, a closed set of algorithms, each a small state in Transfer.
// cwnd and ssthresh live in the Connection and outlast idle times. RFC 5681, 6582, 6928.
#pragma once

#include <cstdint>
#include <variant>

namespace rapport::tcp {

// What an algorithm may see and change.
struct Window {
  uint32_t& cwnd;
  uint32_t& ssthresh;
  uint32_t smss;    // octets of text in a full segment
  uint32_t flight;  // octets outstanding before this event
};

// RFC 5681 with appropriate counting of acknowledged octets, and RFC 6582's window arithmetic.
class NewReno {
 public:
  void acknowledged(Window w, uint32_t octets);        // slow start or avoidance
  static void enter_recovery(Window w);                // third duplicate ACK
  static void duplicate_ack(Window w);                 // each further one
  static void partial_ack(Window w, uint32_t octets);  // R6582-1
  static void leave_recovery(Window w);                // R6582-3
  void timed_out(Window w, bool first);                // R5681-5, -6
  static void restarted(Window w, uint32_t initial);   // after idle: choice 19

  [[nodiscard]] uint32_t counted() const { return counted_; }

 private:
  uint32_t counted_ = 0;  // octets acknowledged since the last growth in avoidance
};

using Controller = std::variant<NewReno>;

// RFC 6928: min(n * MSS, max(2 * MSS, 14600)) for n = 10.
[[nodiscard]] uint32_t initial_window(uint32_t smss, uint32_t segments);

}  // namespace rapport::tcp
