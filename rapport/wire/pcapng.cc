// pcapng blocks (draft-ietf-opsawg-pcapng 3, 4.1, 4.2, 4.3). Every block is framed by its length,
// its options end with opt_endofopt, and everything is padded to 32 bits.
#include "rapport/wire/pcapng.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace rapport::wire {
namespace {

constexpr uint32_t kSectionBlock = 0x0a0d0d0a, kInterfaceBlock = 1, kPacketBlock = 6;
constexpr uint32_t kByteOrderMagic = 0x1a2b3c4d;
constexpr uint16_t kLinktypeRaw = 101;
constexpr uint16_t kEndOfOptions = 0, kComment = 1, kInterfaceName = 2, kPacketFlags = 2,
                   kUserApplication = 4, kTimeResolution = 9;
constexpr uint8_t kNanoseconds = 9;  // 10^-9
constexpr size_t kFrame = 12;        // type, length, length again
constexpr size_t kMaxOption = 65535;

size_t padded(size_t n) {
  return (n + 3) & ~size_t{3};
}

size_t text_option_length(std::string_view text) {
  return text.empty() ? 0 : 4 + padded(std::min(text.size(), kMaxOption));
}

// Writes where the caller has made sure of the room; little endian as is this processor.
class Writer {
 public:
  explicit Writer(std::span<uint8_t> to) : to_(to) {}

  template <typename Number>
  void put(Number n) {
    std::memcpy(&to_[at_], &n, sizeof n);
    at_ += sizeof n;
  }

  void put_padded(const void* data, size_t n) {
    if (n != 0) std::memcpy(&to_[at_], data, n);
    const size_t pad = padded(n) - n;
    if (pad != 0) std::memset(&to_[at_ + n], 0, pad);
    at_ += n + pad;
  }

  void option(uint16_t code, const void* data, size_t n) {
    put(code);
    put(static_cast<uint16_t>(n));
    put_padded(data, n);
  }

  void text_option(uint16_t code, std::string_view text) {
    if (!text.empty()) option(code, text.data(), std::min(text.size(), kMaxOption));
  }

  void end_of_options() {
    put(kEndOfOptions);
    put(uint16_t{0});
  }

 private:
  std::span<uint8_t> to_;
  size_t at_ = 0;
};

size_t packet_option_length(const PcapngPacket& p) {
  const size_t flags = p.direction == PcapngDirection::Unknown ? 0 : 8;
  const size_t options = flags + text_option_length(p.comment);
  return options == 0 ? 0 : options + 4;
}

}  // namespace

size_t pcapng_section_length(std::string_view application) {
  return kFrame + 16 + text_option_length(application) + 4;
}

size_t pcapng_interface_length(std::string_view name) {
  return kFrame + 8 + text_option_length(name) + 8 + 4;
}

size_t pcapng_packet_length(const PcapngPacket& packet) {
  return kFrame + 20 + padded(packet.octets.size()) + packet_option_length(packet);
}

size_t write_pcapng_section(std::span<uint8_t> to, std::string_view application) {
  const size_t length = pcapng_section_length(application);
  if (to.size() < length) return 0;
  Writer w{to};
  w.put(kSectionBlock);
  w.put(static_cast<uint32_t>(length));
  w.put(kByteOrderMagic);
  w.put(uint16_t{1});  // version 1.0
  w.put(uint16_t{0});
  w.put(~uint64_t{0});  // the section's length is not known beforehand
  w.text_option(kUserApplication, application);
  w.end_of_options();
  w.put(static_cast<uint32_t>(length));
  return length;
}

size_t write_pcapng_interface(std::span<uint8_t> to, std::string_view name, uint32_t snap_length) {
  const size_t length = pcapng_interface_length(name);
  if (to.size() < length) return 0;
  Writer w{to};
  w.put(kInterfaceBlock);
  w.put(static_cast<uint32_t>(length));
  w.put(kLinktypeRaw);
  w.put(uint16_t{0});
  w.put(snap_length);
  w.text_option(kInterfaceName, name);
  w.option(kTimeResolution, &kNanoseconds, 1);
  w.end_of_options();
  w.put(static_cast<uint32_t>(length));
  return length;
}

size_t write_pcapng_packet(std::span<uint8_t> to, const PcapngPacket& packet) {
  const size_t length = pcapng_packet_length(packet);
  if (to.size() < length) return 0;
  const auto kept = static_cast<uint32_t>(packet.octets.size());
  Writer w{to};
  w.put(kPacketBlock);
  w.put(static_cast<uint32_t>(length));
  w.put(packet.interface);
  w.put(static_cast<uint32_t>(packet.time_ns >> 32));
  w.put(static_cast<uint32_t>(packet.time_ns));
  w.put(kept);
  w.put(std::max(kept, packet.original_length));
  w.put_padded(packet.octets.data(), kept);
  if (packet_option_length(packet) != 0) {
    if (packet.direction != PcapngDirection::Unknown) {
      const auto flags = static_cast<uint32_t>(packet.direction);
      w.option(kPacketFlags, &flags, sizeof flags);
    }
    w.text_option(kComment, packet.comment);
    w.end_of_options();
  }
  w.put(static_cast<uint32_t>(length));
  return length;
}

}  // namespace rapport::wire
