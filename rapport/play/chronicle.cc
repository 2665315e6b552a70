// Both sides of the wire, for the ladder.
#include "rapport/play/chronicle.hh"

#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/observe/ladder.hh"
#include "rapport/observe/story.hh"
#include "rapport/play/host.hh"
#include "rapport/play/seen.hh"
#include "rapport/stack/stack.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <span>
#include <string>

namespace rapport::play {

namespace {

constexpr uint32_t kTrace = 4096;        // records between two inputs
constexpr size_t kMostRecords = 20'000;  // of a script; then the story ends
constexpr uint32_t kStack = 0, kScript = 1;

// Scripts count from their beginning.
Instant told(Instant at) {
  return Instant{} + (at - Host::kStart);
}

}  // namespace

Chronicle::Chronicle(stack::Stack& stack) : stack_(stack) {
  stack_.trace().enable(kTrace);
}

void Chronicle::drain() {
  TraceRecord r;
  while (stack_.trace().read(r)) {
    if (records_.size() >= kMostRecords) continue;
    r.header.at = told(r.header.at);
    records_.push_back({kStack, static_cast<uint32_t>(records_.size()), r});
  }
}

uint32_t Chronicle::injected(std::span<const uint8_t> packet, Instant at) {
  drain();
  const uint32_t serial = next_++;
  note(packet, serial, at, true);
  wires_.push_back({.sent = told(at),
                    .arrived = told(at),
                    .from_host = kScript,
                    .to_host = kStack,
                    .serial = serial,
                    .length = static_cast<uint32_t>(packet.size())});
  return serial;
}

void Chronicle::arrived(std::span<const uint8_t> packet, uint32_t serial, Instant at) {
  drain();
  note(packet, serial, at, false);
  wires_.push_back({.sent = told(at),
                    .arrived = told(at),
                    .from_host = kStack,
                    .to_host = kScript,
                    .serial = serial,
                    .length = static_cast<uint32_t>(packet.size())});
}

void Chronicle::note(std::span<const uint8_t> packet, uint32_t serial, Instant at, bool sent) {
  const Seen seen = read_packet(packet, at);
  if (seen.kind != Seen::Kind::Tcp || records_.size() >= kMostRecords) return;
  TraceSegment t{};
  t.seq = seen.tcp.seq.v;
  t.ack = seen.tcp.ack.v;
  t.text_length = static_cast<uint32_t>(seen.tcp.text.size());
  t.window = seen.tcp.window;
  t.urgent = seen.tcp.urgent;
  t.flags = seen.tcp.flags.v;
  t.direction =
      static_cast<uint8_t>(sent ? rapport::Direction::Sent : rapport::Direction::Received);
  t.state = observe::kUnknownState;
  t.serial = serial;
  t.option_length = std::min<uint8_t>(seen.tcp.option_octets, sizeof t.options);
  std::copy_n(seen.tcp.raw_options, t.option_length, std::begin(t.options));
  HostRecord r;
  r.host = kScript;
  r.order = static_cast<uint32_t>(records_.size());
  r.record.header = {.at = told(at),
                     .connection = {},
                     .key = {},
                     .local = sent ? seen.source : seen.destination,
                     .kind = TraceKind::Segment,
                     .tail_length = sizeof t,
                     .reserved = 0,
                     .number = r.order};
  r.record.header.key.remote = sent ? seen.destination : seen.source;
  r.record.header.key.remote_port = sent ? seen.destination_port : seen.source_port;
  r.record.header.key.local_port = sent ? seen.source_port : seen.destination_port;
  std::memcpy(r.record.tail, &t, sizeof t);
  records_.push_back(r);
}

std::string Chronicle::ladder(size_t width, bool ascii) const {
  observe::Story story;
  story.hosts = {"stack", "script"};
  story.records = records_;
  story.wires = wires_;
  observe::LadderStyle style;
  style.width = width;
  style.ascii = ascii;
  return observe::ladder(story, style);
}

}  // namespace rapport::play
