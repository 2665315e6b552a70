// Blocks of a capture file, one after the other.
#include "rapport/app/demo_capture.hh"

#include "rapport/app/demo_stage.hh"
#include "rapport/sim/world.hh"
#include "rapport/wire/pcapng.hh"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace rapport::app {

std::vector<uint8_t> capture_at(const Stage& stage, uint32_t host) {
  std::vector<uint8_t> out(wire::pcapng_section_length("rapport"));
  (void)wire::write_pcapng_section(out, "rapport");
  const auto grow = [&](size_t length) {
    const size_t at = out.size();
    out.resize(at + length);
    return std::span(out).subspan(at);
  };
  const auto name = stage.name(host);
  (void)wire::write_pcapng_interface(grow(wire::pcapng_interface_length(name)), name, 0);
  for (const Stage::Passed& p : stage.passed()) {
    if (p.host != host) continue;
    wire::PcapngPacket packet;
    packet.time_ns = static_cast<uint64_t>(p.at.ns);
    packet.octets = p.packet;
    packet.original_length = static_cast<uint32_t>(p.packet.size());
    packet.direction = p.way == sim::Passing::Out ? wire::PcapngDirection::Outbound
                                                  : wire::PcapngDirection::Inbound;
    (void)wire::write_pcapng_packet(grow(wire::pcapng_packet_length(packet)), packet);
  }
  return out;
}

}  // namespace rapport::app
