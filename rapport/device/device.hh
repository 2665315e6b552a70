// Device: where a shard's frames come from and go to, in bursts: IP packets or Ethernet frames. One
// virtual call per burst, none per frame. A device owns its descriptor, if it has one, and never
// blocks; it does not own frames: buffers come from the pool that the caller gives and go back to
// the pool they came from. Errors of a medium are counted, not thrown: a lost frame is TCP's
// business (RFC 1122 2.5).
#pragma once

#include "rapport/base/frame.hh"

#include <cstddef>
#include <cstdint>
#include <span>

namespace rapport::device {

// What a frame begins with: an IPv4 or IPv6 header, or an Ethernet header.
enum class Link : uint8_t { Ip, Ethernet };

struct Counters {
  uint64_t frames_in = 0, octets_in = 0;
  uint64_t frames_out = 0, octets_out = 0;
  uint64_t read_errors = 0;     // the medium refused a read, e.g. EIO
  uint64_t write_errors = 0;    // the medium refused a frame, which is lost, e.g. down or too long
  uint64_t starved = 0;         // a burst was cut short because the pool had no buffer
  uint64_t waits_for_room = 0;  // the queue was full (EAGAIN): the frame stayed with the caller
  uint64_t lost_by_faults = 0;  // what the decorator device/fault has lost, both ways
};

// What one call of receive() may take.
struct BurstLimit {
  size_t headroom = 64;       // octets kept free before each packet
  size_t octets = 128 << 10;  // stop after the frame that reaches this sum
};

class Device {
 public:
  Device() = default;
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  virtual ~Device() = default;

  // Fills `into` from the front with packets that have arrived, in order, and returns how many.
  // Fewer than asked for, and limit.octets not reached: nothing more is there now.
  [[nodiscard]] virtual size_t receive(FramePool& pool, std::span<Frame> into,
                                       const BurstLimit& limit) = 0;

  // Sends from the front, in order, and returns how many frames it has taken (sent or lost; they
  // are left empty). Fewer than given: full; call again when the descriptor is writable.
  [[nodiscard]] virtual size_t send(std::span<Frame> burst) = 0;

  // Readable when receive() would find something; -1 when there is nothing to wait for.
  [[nodiscard]] virtual int fd() const = 0;

  // True when the medium is gone for good (unplugged, deleted): nothing will come or go again.
  [[nodiscard]] virtual bool gone() const = 0;

  [[nodiscard]] virtual Link link() const { return Link::Ip; }

  [[nodiscard]] virtual const Counters& counters() const = 0;
};

}  // namespace rapport::device
