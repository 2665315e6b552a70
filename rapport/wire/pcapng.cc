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

constexpr uint32_t section_block = 0x0a0d0d0a, interface_block = 1, packet_block = 6;
constexpr uint32_t byte_order_magic = 0x1a2b3c4d;
constexpr uint16_t option_end = 0, option_comment = 1, option_interface_name = 2,
                   option_packet_flags = 2, option_application = 4, option_time_resolution = 9;
constexpr uint8_t nanoseconds = 9;  // 10^-9
constexpr size_t framing = 12;      // type, length, length again
constexpr size_t max_option = 65535;

size_t padded(size_t n) {
  return (n + 3) & ~size_t{3};
}

size_t text_option_length(std::string_view text) {
  return text.empty() ? 0 : 4 + padded(std::min(text.size(), max_option));
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
    if (!text.empty()) option(code, text.data(), std::min(text.size(), max_option));
  }

  void end_of_options() {
    put(option_end);
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
  return framing + 16 + text_option_length(application) + 4;
}

size_t pcapng_interface_length(std::string_view name) {
  return framing + 8 + text_option_length(name) + 8 + 4;
}

size_t pcapng_packet_length(const PcapngPacket& packet) {
  return framing + 20 + padded(packet.octets.size()) + packet_option_length(packet);
}

size_t write_pcapng_section(std::span<uint8_t> to, std::string_view application) {
  const size_t length = pcapng_section_length(application);
  if (to.size() < length) return 0;
  Writer w{to};
  w.put(section_block);
  w.put(static_cast<uint32_t>(length));
  w.put(byte_order_magic);
  w.put(uint16_t{1});  // version 1.0
  w.put(uint16_t{0});
  w.put(~uint64_t{0});  // the section's length is not known beforehand
  w.text_option(option_application, application);
  w.end_of_options();
  w.put(static_cast<uint32_t>(length));
  return length;
}

size_t write_pcapng_interface(std::span<uint8_t> to, std::string_view name, uint32_t snap_length,
                              PcapngLink link) {
  const size_t length = pcapng_interface_length(name);
  if (to.size() < length) return 0;
  Writer w{to};
  w.put(interface_block);
  w.put(static_cast<uint32_t>(length));
  w.put(link);
  w.put(uint16_t{0});
  w.put(snap_length);
  w.text_option(option_interface_name, name);
  w.option(option_time_resolution, &nanoseconds, 1);
  w.end_of_options();
  w.put(static_cast<uint32_t>(length));
  return length;
}

size_t write_pcapng_packet(std::span<uint8_t> to, const PcapngPacket& packet) {
  const size_t length = pcapng_packet_length(packet);
  if (to.size() < length) return 0;
  const auto kept = static_cast<uint32_t>(packet.octets.size());
  Writer w{to};
  w.put(packet_block);
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
      w.option(option_packet_flags, &flags, sizeof flags);
    }
    w.text_option(option_comment, packet.comment);
    w.end_of_options();
  }
  w.put(static_cast<uint32_t>(length));
  return length;
}

}  // namespace rapport::wire
