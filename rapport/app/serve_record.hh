// `rapport serve --record FILE`: everything that the stack is asked goes into a file, for `rapport
// replay` at a desk. Memory is bounded by the buffer; the loop waits for the disk as for any file.
// When the disk fails the recording ends with a line, and the server goes on. When the process dies
// by its own hand or by a fault, what is in the buffer is written first.
#pragma once

#include "rapport/device/descriptor.hh"
#include "rapport/sim/record/recording.hh"
#include "rapport/stack/recording.hh"

#include <cstdint>
#include <span>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

namespace rapport::app {

// At most one at a time: the process has one way to die. One thread: that of the loop.
class LiveRecording {
 public:
  // Makes the file, or empties it. `asked`: what is told of it. Misuse when it cannot be written.
  LiveRecording(std::string path, const std::string& asked);
  LiveRecording(const LiveRecording&) = delete;
  LiveRecording& operator=(const LiveRecording&) = delete;
  ~LiveRecording();

  // Who listens to the one stack.
  [[nodiscard]] stack::Recorder& recorder();

  // While it lives nothing stays in the buffer for longer than a second. Both outlive it.
  class Flushing {
   public:
    Flushing(LiveRecording& of, boost::asio::io_context& io) : of_(of), timer_(io) { later(); }

   private:
    void later();

    LiveRecording& of_;
    boost::asio::steady_timer timer_;
  };

  // The recording is whole; tells how much was written. Nothing when it had ended before.
  void finish();

 private:
  void write(std::span<const uint8_t> octets);

  std::string path_;
  device::Descriptor file_;
  uint64_t written_ = 0;
  bool failed_ = false;  // the disk did
  sim::Recording recording_;
};

}  // namespace rapport::app
