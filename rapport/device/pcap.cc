// Pcap: packets are laid out behind each other in one buffer. See pcap.hh.
#include "rapport/device/pcap.hh"

#include "rapport/base/frame.hh"
#include "rapport/device/descriptor.hh"
#include "rapport/device/device.hh"
#include "rapport/wire/pcapng.hh"

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

namespace rapport::device {
namespace {

constexpr size_t kBlock = 256 << 10;
constexpr size_t kLargestBlock = 66 << 10;  // of one packet of at most 65535 octets

uint64_t time_of_day() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

}  // namespace

std::expected<std::unique_ptr<Pcap>, int> Pcap::make(std::unique_ptr<Device> inner,
                                                     const std::string& path,
                                                     std::string_view name) {
  Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!file) return std::unexpected(errno);
  std::unique_ptr<Pcap> pcap(new Pcap(std::move(inner), std::move(file)));
  pcap->used_ = wire::write_pcapng_section(pcap->buffer_, "rapport");
  const auto link =
      pcap->link() == Link::Ethernet ? wire::PcapngLink::Ethernet : wire::PcapngLink::Raw;
  pcap->used_ +=
      wire::write_pcapng_interface(std::span(pcap->buffer_).subspan(pcap->used_), name, 0, link);
  pcap->flush();
  if (pcap->failure_ != 0) {
    struct stat what{};
    const bool is_file = ::fstat(pcap->file_.get(), &what) == 0 && S_ISREG(what.st_mode);
    if (is_file) (void)::unlink(path.c_str());
    return std::unexpected(pcap->failure_);
  }
  return pcap;
}

Pcap::Pcap(std::unique_ptr<Device> inner, Descriptor file)
    : inner_(std::move(inner)), file_(std::move(file)), buffer_(kBlock) {}

Pcap::~Pcap() {
  flush();
}

void Pcap::record(const Frame& frame, wire::PcapngDirection direction, uint64_t time_ns) {
  if (buffer_.size() - used_ < kLargestBlock) buffer_.resize(buffer_.size() + kBlock);
  wire::PcapngPacket packet;
  packet.time_ns = time_ns;
  packet.octets = frame.bytes();
  packet.original_length = static_cast<uint32_t>(frame.size());
  packet.direction = direction;
  used_ += wire::write_pcapng_packet(std::span(buffer_).subspan(used_), packet);
}

size_t Pcap::receive(FramePool& pool, std::span<Frame> into, const BurstLimit& limit) {
  const size_t n = inner_->receive(pool, into, limit);
  if (failure_ == 0 && n > 0) {
    const uint64_t now = time_of_day();
    for (const Frame& frame : into.first(n)) record(frame, wire::PcapngDirection::Inbound, now);
    captured_ += n;
  }
  if (used_ >= kBlock || n == 0) flush();
  return n;
}

size_t Pcap::send(std::span<Frame> burst) {
  if (failure_ != 0) return inner_->send(burst);
  // Frames are empty once they are sent; what the device does not take is taken out again.
  const uint64_t now = time_of_day();
  const size_t before = used_;
  ends_.clear();
  for (const Frame& frame : burst) {
    record(frame, wire::PcapngDirection::Outbound, now);
    ends_.push_back(used_);
  }
  const size_t taken = inner_->send(burst);
  used_ = taken == 0 ? before : ends_[taken - 1];
  captured_ += taken;
  if (used_ >= kBlock) flush();
  return taken;
}

void Pcap::flush() {
  size_t done = 0;
  while (done < used_ && failure_ == 0) {
    const ssize_t n = ::write(file_.get(), &buffer_[done], used_ - done);
    if (n > 0) {
      done += static_cast<size_t>(n);
    } else if (errno != EINTR) {
      failure_ = errno;
    }
  }
  used_ = 0;
}

}  // namespace rapport::device
