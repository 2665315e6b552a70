// Fuzzes the reader of recordings, and what is replayed of them: any octets as a file; then the
// same octets as records with their lengths and checksums made right, behind a head and a host that
// are sound, so that mutations get into the stack. Whatever is in the file, nothing crashes, faults
// are inside the file, and memory stays small.
#include "rapport/sim/record/replay.hh"

#include "rapport/base/address.hh"
#include "rapport/base/assert.hh"
#include "rapport/base/frame.hh"
#include "rapport/sim/record/format.hh"
#include "rapport/sim/record/reader.hh"
#include "rapport/sim/record/recording.hh"
#include "rapport/stack/recording.hh"
#include "rapport/stack/stack.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace rapport::sim {
namespace {

void try_file(std::span<const uint8_t> file) {
  auto reader = Reader::open(file);
  if (!reader) {
    ASSERT(!reader.error().what.empty() && reader.error().at <= file.size());
    return;
  }
  Replay replay(std::move(*reader), {.records = true, .packets = true});
  while (replay.next() == Replay::State::Going) ASSERT(!replay.moment().asked.empty());
  switch (replay.state()) {
    case Replay::State::Damaged:
    case Replay::State::Cut:
      ASSERT(!replay.fault().what.empty() && replay.fault().at <= file.size());
      break;
    case Replay::State::Diverged: ASSERT(replay.divergence().recorded != ""); break;
    default: break;
  }
}

// A recording of one small host that was never asked anything.
std::vector<uint8_t> beginning() {
  Recording recording({.program = "fuzz", .seed = 1, .asked = "nothing"});
  stack::Config config;
  config.interfaces[0].addresses = {{IpAddress::v4(10, 0, 0, 1), 24}};
  config.tcp.max_connections = config.tcp.max_half_open = config.tcp.max_time_wait = 64;
  config.tcp.max_listeners = config.tcp.max_transfers = config.tcp.max_extras = 64;
  config.tcp.max_blocks = config.tcp.max_pieces = 256;
  config.udp.max_sockets = config.udp.max_datagrams = config.udp.max_blocks = 64;
  FramePool pool(32, stack::buffer_size(config));
  stack::Stack stack(config, pool);
  stack.record(&recording.host(0, {.name = "host"}));
  const auto octets = recording.finish();
  constexpr size_t kEnd = kRecordHead + 1 + kRecordTail;
  return {octets.begin(), octets.end() - kEnd};
}

void put32(std::vector<uint8_t>& out, uint32_t v) {
  for (unsigned i = 0; i < 4; ++i) out.push_back(static_cast<uint8_t>(v >> 8 * i));
}

// Of `data`: the kind of a record, two octets of length, a payload; and so on.
std::vector<uint8_t> sealed(std::span<const uint8_t> data) {
  static const std::vector<uint8_t> head = beginning();
  std::vector<uint8_t> file = head;
  while (data.size() > 3) {
    const size_t length = std::min<size_t>(data[1] | size_t{data[2]} << 8, data.size() - 3);
    const size_t at = file.size();
    file.push_back(data[0]);
    put32(file, static_cast<uint32_t>(length));
    file.push_back(head_check(std::span(file).subspan(at).first<5>()));
    file.insert(file.end(), data.begin() + 3, data.begin() + 3 + static_cast<ptrdiff_t>(length));
    put32(file, crc32(file));
    data = data.subspan(3 + length);
  }
  return file;
}

}  // namespace
}  // namespace rapport::sim

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  rapport::sim::try_file({data, size});
  rapport::sim::try_file(rapport::sim::sealed({data, size}));
  return 0;
}
