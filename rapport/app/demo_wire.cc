// Two queues of packets, each with a descriptor that tells of them.
#include "rapport/app/demo_wire.hh"

#include "rapport/base/frame.hh"
#include "rapport/device/descriptor.hh"
#include "rapport/device/device.hh"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <expected>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <sys/eventfd.h>

namespace rapport::app {

namespace {

constexpr size_t kMostPackets = 1024;

struct Packet {
  std::vector<uint8_t> octets;
  uint32_t serial = 0;
};

struct Queue {
  std::deque<Packet> packets;
  device::Descriptor event;  // readable exactly while there are packets
};

class WireEnd final : public device::Device {
 public:
  WireEnd(std::shared_ptr<Queue> in, std::shared_ptr<Queue> out)
      : in_(std::move(in)), out_(std::move(out)) {}

  size_t receive(FramePool& pool, std::span<Frame> into, const device::BurstLimit& limit) override {
    size_t frames = 0, octets = 0;
    while (frames < into.size() && octets < limit.octets && !in_->packets.empty()) {
      const Packet& packet = in_->packets.front();
      Frame frame = pool.allocate(limit.headroom);
      if (!frame) {
        ++counters_.starved;
        break;
      }
      frame.reshape(limit.headroom, packet.octets.size());
      std::memcpy(frame.data(), packet.octets.data(), packet.octets.size());
      frame.serial = packet.serial;
      octets += packet.octets.size();
      into[frames++] = std::move(frame);
      in_->packets.pop_front();
    }
    counters_.frames_in += frames;
    counters_.octets_in += octets;
    eventfd_t told = 0;
    if (frames > 0 && in_->packets.empty()) (void)::eventfd_read(in_->event.get(), &told);
    return frames;
  }

  size_t send(std::span<Frame> burst) override {
    const bool was_empty = out_->packets.empty();
    for (Frame& frame : burst) {
      put(frame);
      frame.reset();
    }
    if (was_empty && !out_->packets.empty()) (void)::eventfd_write(out_->event.get(), 1);
    return burst.size();
  }

  [[nodiscard]] int fd() const override { return in_->event.get(); }

  [[nodiscard]] bool gone() const override { return false; }

  [[nodiscard]] const device::Counters& counters() const override { return counters_; }

 private:
  void put(const Frame& frame) {
    if (out_->packets.size() >= kMostPackets) {
      ++counters_.write_errors;
      return;
    }
    const auto octets = frame.bytes();
    out_->packets.push_back({{octets.begin(), octets.end()}, frame.serial});
    ++counters_.frames_out;
    counters_.octets_out += octets.size();
  }

  std::shared_ptr<Queue> in_, out_;
  device::Counters counters_;
};

}  // namespace

std::expected<WireEnds, int> make_wire() {
  auto forth = std::make_shared<Queue>();
  auto back = std::make_shared<Queue>();
  for (Queue* q : {forth.get(), back.get()}) {
    q->event = device::Descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!q->event) return std::unexpected(errno);
  }
  return WireEnds{std::make_unique<WireEnd>(back, forth), std::make_unique<WireEnd>(forth, back)};
}

}  // namespace rapport::app
