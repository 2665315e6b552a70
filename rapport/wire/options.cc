// TCP options: octets <-> values (RFC 9293 3.1). Reading trusts nothing but the span; what an
// option means on this segment (MSS only on a SYN, ...) is decided in tcp/negotiation.
#include "rapport/wire/options.hh"

#include "rapport/base/seq.hh"
#include "rapport/wire/bytes.hh"
#include "rapport/wire/option_words.hh"
#include "rapport/wire/word_writer.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace rapport::wire {
namespace {

// The blocks of one SACK option (RFC 2018 3): at least one, whole ones only.
bool read_sack(std::span<const uint8_t> data, Options& out) {
  const size_t blocks = data.size() / 8;
  if (data.size() % 8 != 0 || blocks == 0 || blocks > kMaxSackBlocks) return false;
  out.sack_count = static_cast<uint8_t>(blocks);
  for (size_t i = 0; i < blocks; ++i) {
    out.sack[i] = {.left = Seq{load32(&data[8 * i])}, .right = Seq{load32(&data[8 * i + 4])}};
  }
  return true;
}

bool read_timestamps(std::span<const uint8_t> data, Options& out) {
  if (data.size() != 8) return false;
  out.has_timestamps = true;
  out.tsval = load32(data.data());
  out.tsecr = load32(&data[4]);
  return true;
}

bool read_mss(std::span<const uint8_t> data, Options& out) {
  if (data.size() != 2) return false;
  out.has_mss = true;
  out.mss = load16(data.data());
  return true;
}

// RFC 7323 2.3: a shift above 14 MUST be used as 14.
bool read_window_scale(std::span<const uint8_t> data, Options& out) {
  if (data.size() != 1) return false;
  out.has_window_scale = true;
  out.window_scale = std::min(data[0], kMaxShift);
  return true;
}

// One option with a length. False: its length is not what its kind requires. Kinds that we do not
// know are skipped without error (MUST-6).
bool read_one(uint8_t kind, std::span<const uint8_t> data, Options& out) {
  switch (kind) {
    case kind_mss: return read_mss(data, out);
    case kind_window_scale: return read_window_scale(data, out);
    case kind_sack_permitted:
      out.sack_permitted = out.sack_permitted || data.empty();
      return data.empty();
    case kind_sack: return read_sack(data, out);
    case kind_timestamps: return read_timestamps(data, out);
    default: return true;
  }
}

}  // namespace

// MUST-4, in any segment (MUST-5) and at any alignment (MUST-64).
void read_options(std::span<const uint8_t> bytes, Options& out) {
  out = Options{};
  while (!bytes.empty()) {
    const uint8_t kind = bytes[0];
    if (kind == kind_end) return;
    if (kind == kind_nop) {
      bytes = bytes.subspan(1);
      continue;
    }
    // Every other option has a length (MUST-68), which counts kind and length too.
    const size_t length = bytes.size() < 2 ? 0 : bytes[1];
    if (length < 2 || length > bytes.size() || !read_one(kind, bytes.subspan(2, length - 2), out)) {
      out.malformed = true;
      return;
    }
    bytes = bytes.subspan(length);
  }
}

// MUST-69: filled up with NOPs.
uint32_t write_options(uint8_t* to, const Options& options) {
  WordWriter w{to};
  put_option_words(w, options);
  return static_cast<uint32_t>(w.length());
}

uint32_t option_length(const Options& options) {
  const uint32_t fixed = fixed_option_length(options);
  if (options.sack_count == 0) return fixed;
  const uint32_t blocks = sack_blocks_that_fit(options, fixed);
  return blocks == 0 ? fixed : fixed + 4 + 8 * blocks;
}

}  // namespace rapport::wire
