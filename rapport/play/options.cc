// TCP options between a script and the wire.
#include "rapport/play/options.hh"

#include "rapport/base/seq.hh"
#include "rapport/play/flow.hh"
#include "rapport/play/packet.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace rapport::play {

namespace {

using Kind = TcpOption::Kind;

constexpr uint8_t kEnd = 0, kNop = 1, kMss = 2, kScale = 3, kSackPermitted = 4, kSack = 5,
                  kTimestamps = 8, kIllegal = 255;
constexpr size_t kMostOctets = 40;

uint16_t get16(std::span<const uint8_t> d) {
  return static_cast<uint16_t>(d[0] << 8 | d[1]);
}

uint32_t get32(std::span<const uint8_t> d) {
  return uint32_t{get16(d)} << 16 | get16(d.subspan(2));
}

void put16(std::vector<uint8_t>& out, uint32_t v) {
  out.push_back(static_cast<uint8_t>(v >> 8));
  out.push_back(static_cast<uint8_t>(v));
}

void put32(std::vector<uint8_t>& out, uint32_t v) {
  put16(out, v >> 16);
  put16(out, v & 0xffff);
}

uint8_t kind_of(const TcpOption& o) {
  switch (o.kind) {
    case Kind::Nop: return kNop;
    case Kind::End: return kEnd;
    case Kind::MaximumSegmentSize: return kMss;
    case Kind::WindowScale: return kScale;
    case Kind::SackPermitted: return kSackPermitted;
    case Kind::Sack: return kSack;
    case Kind::Timestamps: return kTimestamps;
    default: return kIllegal;
  }
}

// Empty: done; else what is wrong.
std::string append(std::vector<uint8_t>& out, const TcpOption& o, const Flow& flow, bool syn) {
  const uint8_t kind = kind_of(o);
  if (kind == kIllegal) return "an option that cannot be sent";
  out.push_back(kind);
  switch (o.kind) {
    case Kind::MaximumSegmentSize:
      out.push_back(4);
      put16(out, o.value);
      break;
    case Kind::WindowScale:
      out.push_back(3);
      out.push_back(static_cast<uint8_t>(o.value));
      break;
    case Kind::SackPermitted: out.push_back(2); break;
    case Kind::Sack:
      out.push_back(static_cast<uint8_t>(2 + 8 * o.blocks.size()));
      for (const auto& b : o.blocks) {
        put32(out, flow.live_of_local(b.left, syn).v);
        put32(out, flow.live_of_local(b.right, syn).v);
      }
      break;
    case Kind::Timestamps: {
      out.push_back(10);
      put32(out, o.value);
      const auto echo = o.echo_unchecked ? o.echo : flow.live_timestamp(o.echo);
      if (!echo && o.echo != 0) {
        return "ecr " + std::to_string(o.echo) + ", a timestamp that the stack has never sent";
      }
      put32(out, echo.value_or(0));
      break;
    }
    default: break;
  }
  return {};
}

bool same_blocks(const TcpOption& wanted, std::span<const uint8_t> data, const Flow& flow,
                 bool syn) {
  if (data.size() != wanted.blocks.size() * 8) return false;
  for (size_t i = 0; i < wanted.blocks.size(); ++i) {
    const auto block = data.subspan(i * 8);
    if (flow.script_of_remote(Seq{get32(block)}, syn) != wanted.blocks[i].left) return false;
    if (flow.script_of_remote(Seq{get32(block.subspan(4))}, syn) != wanted.blocks[i].right)
      return false;
  }
  return true;
}

bool is_padding(uint8_t kind) {
  return kind == kNop || kind == kEnd;
}

// Every option of one list is in the other, padding aside.
bool same_set(std::span<const TcpOption> wanted, std::span<const WireOption> seen, const Flow& flow,
              bool syn) {
  size_t others = 0;
  for (const WireOption& s : seen) others += is_padding(s.kind) ? 0 : 1;
  for (const TcpOption& w : wanted) {
    if (is_padding(kind_of(w))) continue;
    if (others-- == 0) return false;
    const bool found = std::ranges::any_of(
        seen, [&](const WireOption& s) { return same_option(w, s, flow, syn); });
    if (!found) return false;
  }
  return others == 0;
}

std::string option_text(const WireOption& o, const Flow& flow, bool syn) {
  const auto d = o.data;
  if (o.kind == kNop) return "nop";
  if (o.kind == kEnd) return "eol";
  if (o.kind == kMss && d.size() == 2) return "mss " + std::to_string(get16(d));
  if (o.kind == kScale && d.size() == 1) return "wscale " + std::to_string(d[0]);
  if (o.kind == kSackPermitted && d.empty()) return "sackOK";
  if (o.kind == kTimestamps && d.size() == 8) {
    const uint32_t live = get32(d);
    const auto known = flow.script_timestamp(live);
    const std::string value = known ? std::to_string(*known) : std::to_string(live) + "!";
    return "TS val " + value + " ecr " + std::to_string(get32(d.subspan(4)));
  }
  if (o.kind == kSack && d.size() % 8 == 0) {
    std::string out = "sack";
    for (size_t i = 0; i < d.size(); i += 8) {
      out += " " + std::to_string(flow.script_of_remote(Seq{get32(d.subspan(i))}, syn)) + ":"
             + std::to_string(flow.script_of_remote(Seq{get32(d.subspan(i + 4))}, syn));
    }
    return out;
  }
  return "option " + std::to_string(o.kind) + " of " + std::to_string(d.size()) + " octets";
}

}  // namespace

std::vector<WireOption> wire_options(std::span<const uint8_t> octets) {
  std::vector<WireOption> out;
  size_t i = 0;
  while (i < octets.size()) {
    const uint8_t kind = octets[i];
    if (is_padding(kind)) {
      out.push_back({kind, {}});
      ++i;
      continue;
    }
    const size_t length = i + 1 < octets.size() ? octets[i + 1] : 0;
    if (length < 2 || i + length > octets.size()) {
      out.push_back({kIllegal, octets.subspan(i)});
      break;
    }
    out.push_back({kind, octets.subspan(i + 2, length - 2)});
    i += length;
  }
  return out;
}

std::expected<std::vector<uint8_t>, std::string> octets_of(std::span<const TcpOption> options,
                                                           const Flow& flow, bool syn) {
  std::vector<uint8_t> out;
  for (const TcpOption& o : options) {
    std::string wrong = append(out, o, flow, syn);
    if (!wrong.empty()) return std::unexpected(std::move(wrong));
  }
  if (out.size() > kMostOctets) return std::unexpected("more than 40 octets of options");
  return out;
}

bool same_option(const TcpOption& wanted, const WireOption& seen, const Flow& flow, bool syn) {
  const auto d = seen.data;
  if (kind_of(wanted) != seen.kind) return false;
  switch (wanted.kind) {
    case Kind::Nop:
    case Kind::End: return true;
    case Kind::MaximumSegmentSize: return d.size() == 2 && get16(d) == wanted.value;
    case Kind::WindowScale: return d.size() == 1 && d[0] == wanted.value;
    case Kind::SackPermitted: return d.empty();
    case Kind::Sack: return same_blocks(wanted, d, flow, syn);
    case Kind::Timestamps:
      return d.size() == 8 && (wanted.echo_unchecked || get32(d.subspan(4)) == wanted.echo);
    default: return false;
  }
}

OptionDifferences compare_options(std::span<const TcpOption> wanted,
                                  std::span<const WireOption> seen, const Flow& flow, bool syn) {
  bool same = wanted.size() == seen.size();
  for (size_t i = 0; same && i < wanted.size(); ++i) {
    same = same_option(wanted[i], seen[i], flow, syn);
  }
  if (same) return {};
  OptionDifferences d;
  d.only_order = same_set(wanted, seen, flow, syn);
  d.some = !d.only_order;
  return d;
}

std::string options_text(std::span<const WireOption> options, const Flow& flow, bool syn) {
  std::string out;
  for (const WireOption& o : options) {
    out += (out.empty() ? "<" : ",") + option_text(o, flow, syn);
  }
  return out.empty() ? out : out + ">";
}

}  // namespace rapport::play
