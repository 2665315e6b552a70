// NewReno's window arithmetic (RFC 5681 3.1, 3.2; RFC 6582 3.2; RFC 6928 2).
#include "rapport/tcp/congestion/controller.hh"

#include <algorithm>
#include <cstdint>

namespace rapport::tcp {

uint32_t initial_window(uint32_t smss, uint32_t segments) {
  return std::min(segments * smss, std::max(2 * smss, segments * 1460));
}

// MUST-19; R5681-2.
void NewReno::acknowledged(Window w, uint32_t octets) {
  if (w.cwnd < w.ssthresh) {  // slow start: at most SMSS for each ACK of new data (R5681-1)
    w.cwnd += std::min(octets, w.smss);
    return;
  }
  counted_ += octets;
  if (counted_ >= w.cwnd) {  // one SMSS a round trip (R5681-3)
    counted_ -= w.cwnd;
    w.cwnd += w.smss;
  }
}

void NewReno::enter_recovery(Window w) {
  w.ssthresh = std::max(w.flight / 2, 2 * w.smss);
  w.cwnd = w.ssthresh + 3 * w.smss;
}

void NewReno::duplicate_ack(Window w) {
  w.cwnd += w.smss;
}

void NewReno::partial_ack(Window w, uint32_t octets) {
  w.cwnd -= std::min(w.cwnd, octets);
  if (octets >= w.smss) w.cwnd += w.smss;
  w.cwnd = std::max(w.cwnd, w.smss);
}

void NewReno::leave_recovery(Window w) {
  w.cwnd = std::min(w.ssthresh, std::max(w.flight, w.smss) + w.smss);
}

void NewReno::timed_out(Window w, bool first) {
  if (first) w.ssthresh = std::max(w.flight / 2, 2 * w.smss);
  w.cwnd = w.smss;
  counted_ = 0;
}

void NewReno::restarted(Window w, uint32_t initial) {
  w.cwnd = std::min(w.cwnd, initial);
}

}  // namespace rapport::tcp
