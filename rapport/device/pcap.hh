// Pcap: a decorator that writes what passes through another device into a pcapng file, with
// nanosecond stamps of the time of day (one a burst) and direction. Frames go in whole. The file is
// written in blocks of 256 KiB, when nothing more arrives, and at the end; if it cannot be written
// any more the capture stops, and traffic goes on.
#pragma once

#include "rapport/base/frame.hh"
#include "rapport/device/descriptor.hh"
#include "rapport/device/device.hh"
#include "rapport/wire/pcapng.hh"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rapport::device {

class Pcap final : public Device {
 public:
  // Captures `inner` under the interface name `name` into a new or emptied file at `path`.
  // On an error, the errno, nothing is left behind and `inner` is gone.
  [[nodiscard]] static std::expected<std::unique_ptr<Pcap>, int> make(std::unique_ptr<Device> inner,
                                                                      const std::string& path,
                                                                      std::string_view name);

  ~Pcap() override;

  [[nodiscard]] size_t receive(FramePool& pool, std::span<Frame> into,
                               const BurstLimit& limit) override;
  [[nodiscard]] size_t send(std::span<Frame> burst) override;

  [[nodiscard]] int fd() const override { return inner_->fd(); }

  [[nodiscard]] bool gone() const override { return inner_->gone(); }

  [[nodiscard]] Link link() const override { return inner_->link(); }

  [[nodiscard]] const Counters& counters() const override { return inner_->counters(); }

  // Packets written, and the errno that ended the capture (0: none).
  [[nodiscard]] uint64_t captured() const { return captured_; }

  [[nodiscard]] int failure() const { return failure_; }

  // Writes what is still in memory.
  void flush();

 private:
  Pcap(std::unique_ptr<Device> inner, Descriptor file);
  void record(const Frame& frame, wire::PcapngDirection direction, uint64_t time_ns);

  std::unique_ptr<Device> inner_;
  Descriptor file_;
  std::vector<uint8_t> buffer_;
  size_t used_ = 0;
  std::vector<size_t> ends_;  // of the packets of the burst being sent
  uint64_t captured_ = 0;
  int failure_ = 0;
};

}  // namespace rapport::device
