// TCP options between a script and the wire: those of an injected segment as octets, those of a
// segment that was seen as a list that can be compared and told. Nothing is corrected on the way.
#pragma once

#include "rapport/play/flow.hh"
#include "rapport/play/packet.hh"

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <vector>

namespace rapport::play {

struct WireOption {
  uint8_t kind = 0;
  std::span<const uint8_t> data;  // behind kind and length
};

// The options of a segment in order; what no longer has a legal length is one option of kind 255.
[[nodiscard]] std::vector<WireOption> wire_options(std::span<const uint8_t> octets);

// The octets of options that a script injects. A text: why that cannot be done. `syn`: of the
// segment.
[[nodiscard]] std::expected<std::vector<uint8_t>, std::string> octets_of(
    std::span<const TcpOption> options, const Flow& flow, bool syn);

struct OptionDifferences {
  bool some = false;        // one is missing, too many or wrong
  bool only_order = false;  // the same options, in another order or with other padding
};

// Whether one option is what the script expects; timestamps: apart from their value.
[[nodiscard]] bool same_option(const TcpOption& wanted, const WireOption& seen, const Flow& flow,
                               bool syn);

[[nodiscard]] OptionDifferences compare_options(std::span<const TcpOption> wanted,
                                                std::span<const WireOption> seen, const Flow& flow,
                                                bool syn);

// "<mss 1460,sackOK,TS val 5 ecr 0>" with the script's numbers; empty when there are none.
[[nodiscard]] std::string options_text(std::span<const WireOption> options, const Flow& flow,
                                       bool syn);

}  // namespace rapport::play
