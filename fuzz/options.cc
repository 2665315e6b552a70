// Fuzzes the reading and writing of TCP options: any octets are read without leaving them, and what
// was understood is written, read again and found unchanged.
#include "rapport/wire/options.hh"

#include "rapport/base/assert.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace rapport::wire {
namespace {

void try_options(std::span<const uint8_t> bytes) {
  Options read;
  read_options(bytes, read);
  ASSERT(read.sack_count <= kMaxSackBlocks);
  ASSERT(read.window_scale <= kMaxShift);

  std::array<uint8_t, 40> written{};
  const uint32_t length = write_options(written.data(), read);
  ASSERT(length == option_length(read) && length <= written.size() && length % 4 == 0);
  Options again;
  read_options(std::span(written).first(length), again);
  ASSERT(!again.malformed);
  ASSERT(again.has_mss == read.has_mss && again.mss == read.mss);
  ASSERT(again.has_window_scale == read.has_window_scale);
  ASSERT(again.window_scale == read.window_scale);
  ASSERT(again.sack_permitted == read.sack_permitted);
  ASSERT(again.has_timestamps == read.has_timestamps);
  ASSERT(again.tsval == read.tsval && again.tsecr == read.tsecr);
  ASSERT(again.sack_count <= read.sack_count);  // as many as fit, the first ones
  ASSERT(std::equal(again.sack.begin(), again.sack.begin() + again.sack_count, read.sack.begin()));
}

}  // namespace
}  // namespace rapport::wire

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  rapport::wire::try_options({data, size});
  return 0;
}
