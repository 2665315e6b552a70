// The words of segment_text.hh.
#include "rapport/observe/segment_text.hh"

#include "rapport/base/seq.hh"
#include "rapport/base/trace.hh"
#include "rapport/wire/options.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace rapport::observe {

namespace {

// A relative number further from zero than this is not of the connection that it is told relative
// to.
constexpr int64_t kPlausible = int64_t{1} << 24;

std::optional<int64_t> plausible(const TraceSegment* s, uint32_t TraceSegment::* number) {
  if (s == nullptr || s->relative_known == 0) return std::nullopt;
  const int64_t n = static_cast<int32_t>(s->*number);
  if (n > kPlausible || n < -kPlausible) return std::nullopt;
  return n;
}

wire::Options options_of(const TraceSegment& s) {
  wire::Options o;
  wire::read_options(std::span(s.options).first(std::min<size_t>(s.option_length, 40)), o);
  return o;
}

void append_stripped(const TraceSegment& sent, const TraceSegment& received,
                     std::vector<std::string>& out) {
  const wire::Options before = options_of(sent);
  const wire::Options after = options_of(received);
  std::vector<std::string> gone;
  if (before.has_mss && !after.has_mss) gone.emplace_back("MSS");
  if (before.has_window_scale && !after.has_window_scale) gone.emplace_back("window scale");
  if (before.sack_permitted && !after.sack_permitted) gone.emplace_back("SACK permitted");
  if (before.has_timestamps && !after.has_timestamps) gone.emplace_back("timestamps");
  if (!gone.empty()) out.push_back(fmt::format("stripped: {}", fmt::join(gone, " and ")));
}

}  // namespace

SegmentNumbers segment_numbers(const TraceSegment* sent, const TraceSegment* received) {
  const TraceSegment& any = sent != nullptr ? *sent : *received;
  SegmentNumbers out;
  const auto tell = [&](uint32_t TraceSegment::* relative, uint32_t absolute) {
    auto n = plausible(sent, relative);
    if (!n) n = plausible(received, relative);
    if (n) return fmt::format("{}", *n);
    if (absolute == 0) return std::string("0");  // the SEQ of an answer to a segment without ACK
    out.absolute = true;
    return fmt::format("#{}", absolute);
  };
  out.seq = tell(&TraceSegment::relative_seq, any.seq);
  if ((any.flags & wire::kAck.v) != 0) out.ack = tell(&TraceSegment::relative_ack, any.ack);
  return out;
}

std::vector<std::string> offered_options(const TraceSegment& s) {
  const wire::Options o = options_of(s);
  std::vector<std::string> out;
  if (o.has_mss) out.push_back(fmt::format("MSS {}", o.mss));
  if (o.has_window_scale) out.push_back(fmt::format("window scale {}", o.window_scale));
  if (o.sack_permitted) out.emplace_back("SACK permitted");
  if (o.has_timestamps) out.emplace_back("timestamps");
  if (out.empty()) out.emplace_back("no options");
  return out;
}

std::vector<std::string> sack_words(const TraceSegment& s) {
  const wire::Options o = options_of(s);
  std::vector<std::string> out;
  const uint32_t origin = s.relative_known != 0 ? s.ack - s.relative_ack : 0;
  for (size_t i = 0; i < o.sack_count; ++i) {
    const wire::SackBlock& b = o.sack[i];
    // RFC 2883 4: a first block at or below the ACK, or inside the second block, reports a
    // duplicate.
    const bool below = at_or_before(b.right, Seq{s.ack});
    const bool inside = i == 0 && o.sack_count > 1 && at_or_after(b.left, o.sack[1].left)
                        && at_or_before(b.right, o.sack[1].right);
    out.push_back(fmt::format("{} {}:{}", i == 0 && (below || inside) ? "D-SACK" : "SACK",
                              b.left.v - origin, b.right.v - origin));
  }
  return out;
}

std::vector<std::string> contents(const TraceSegment* sent, const TraceSegment* received,
                                  size_t preview, bool ascii) {
  const TraceSegment& s = sent != nullptr ? *sent : *received;
  std::vector<std::string> out;
  if ((s.flags & wire::kSyn.v) != 0) {
    out = offered_options(s);
    if (sent != nullptr && received != nullptr) append_stripped(*sent, *received, out);
  }
  const std::vector<std::string> blocks = sack_words(s);
  out.insert(out.end(), blocks.begin(), blocks.end());
  if (s.text_length > 0 && s.text_length <= preview && s.snap_length > 0)
    out.push_back(text_preview(s, preview, ascii));
  return out;
}

std::vector<std::string> agreed_options(const TraceOptions& o) {
  std::vector<std::string> out;
  out.push_back(fmt::format("MSS {}", o.effective_mss));
  if (o.scaling_on == 0) {
    out.emplace_back("no scale");
  } else if (o.window_scale_sent == o.window_scale_received) {
    out.push_back(fmt::format("scale {}", o.window_scale_sent));
  } else {
    out.push_back(fmt::format("scale {} out, {} in", o.window_scale_sent, o.window_scale_received));
  }
  out.emplace_back(o.sack_on != 0 ? "SACK" : "no SACK");
  out.emplace_back(o.timestamps_on != 0 ? "timestamps" : "no timestamps");
  return out;
}

std::string text_preview(const TraceSegment& s, size_t at_most, bool ascii) {
  const size_t kept = std::min<size_t>(s.snap_length, sizeof(s.snap));
  const size_t shown = std::min(kept, at_most);
  if (shown == 0) return {};
  std::string out = "\"";
  for (size_t i = 0; i < shown; ++i) {
    const auto c = static_cast<char>(s.snap[i]);
    if (c == '\r') continue;
    if (c == '\n' && i + 1 == shown) continue;
    out += c >= ' ' && c <= '~' && c != '"' ? c : '.';
  }
  if (shown < s.text_length) out += ascii ? "..." : "…";
  return out + '"';
}

uint32_t window_octets(const TraceSegment& s, uint8_t shift) {
  if ((s.flags & wire::kSyn.v) != 0) return s.window;
  return uint32_t{s.window} << shift;
}

}  // namespace rapport::observe
