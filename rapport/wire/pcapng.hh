// Capture files: pcapng blocks as octets (draft-ietf-opsawg-pcapng), little endian. Pure: the
// caller owns the buffer and does the writing. One section of interfaces with nanosecond time, each
// without link layer or with Ethernet's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace rapport::wire {

// What a packet begins with: LINKTYPE_RAW, an IPv4 or IPv6 header; LINKTYPE_ETHERNET (EN10MB), an
// Ethernet header without preamble and check sequence.
enum class PcapngLink : uint16_t { Raw = 101, Ethernet = 1 };
enum class PcapngDirection : uint8_t { Unknown = 0, Inbound = 1, Outbound = 2 };

struct PcapngPacket {
  uint32_t interface = 0;           // the number of its interface block, counted from zero
  uint64_t time_ns = 0;             // nanoseconds since 1970, or since the world began
  std::span<const uint8_t> octets;  // what was kept of the packet
  uint32_t original_length = 0;     // what it had on the wire; never less than was kept
  PcapngDirection direction = PcapngDirection::Unknown;
  std::string_view comment;  // UTF-8, for people; beyond 65535 octets it is cut off
};

// The lengths of the blocks, all multiples of four.
[[nodiscard]] size_t pcapng_section_length(std::string_view application);
[[nodiscard]] size_t pcapng_interface_length(std::string_view name);
[[nodiscard]] size_t pcapng_packet_length(const PcapngPacket& packet);

// Each writes one block at the front of `to` and returns its length, or zero, with nothing written,
// when `to` is too short for it. A file is one section block, then interfaces, then packets.
// `application`: what wrote the file. `snap_length`: the most that is kept of a packet, 0: all.
[[nodiscard]] size_t write_pcapng_section(std::span<uint8_t> to, std::string_view application);
[[nodiscard]] size_t write_pcapng_interface(std::span<uint8_t> to, std::string_view name,
                                            uint32_t snap_length,
                                            PcapngLink link = PcapngLink::Raw);
[[nodiscard]] size_t write_pcapng_packet(std::span<uint8_t> to, const PcapngPacket& packet);

}  // namespace rapport::wire
