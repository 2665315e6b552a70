// Microbenchmarks of wire/: the time of one sum, copy, parse and build. Hot caches, one thread; a
// measure for changes to wire/, not a figure of the stack.
#include "rapport/base/address.hh"
#include "rapport/base/seq.hh"
#include "rapport/wire/checksum.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/options.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <benchmark/benchmark.h>

namespace rapport::wire {
namespace {

const IpAddress local = IpAddress::v4(10, 0, 0, 1);
const IpAddress remote = IpAddress::v4(10, 0, 0, 2);

std::vector<uint8_t> noise(size_t n) {
  std::vector<uint8_t> bytes(n);
  uint32_t seed = 1;
  for (auto& b : bytes) {
    seed = seed * 1664525 + 1013904223;
    b = static_cast<uint8_t>(seed >> 24);
  }
  return bytes;
}

Options timestamps() {
  Options o;
  o.has_timestamps = true;
  o.tsval = 1;
  o.tsecr = 2;
  return o;
}

Options opening() {
  Options o = timestamps();
  o.has_mss = o.has_window_scale = o.sack_permitted = true;
  o.mss = 1460;
  o.window_scale = 7;
  return o;
}

// IPv4, TCP and text, as they would be sent.
size_t build_packet(uint8_t* to, const SegmentHead& head, std::span<const uint8_t> text,
                    PartialSum text_sum) {
  const uint32_t header =
      build_tcp(to + kIpv4Header, head, local, remote,
                {.length = static_cast<uint32_t>(text.size()), .sum = text_sum});
  Ipv4 ip;
  ip.source = local;
  ip.destination = remote;
  ip.protocol = kProtocolTcp;
  build_ipv4(to, ip, static_cast<uint16_t>(header + text.size()));
  return kIpv4Header + header;
}

SegmentHead head_with(const Options& options) {
  return {.source_port = 40000,
          .destination_port = 80,
          .seq = Seq{1},
          .ack = Seq{2},
          .flags = kAck,
          .window = 500,
          .urgent = 0,
          .options = &options};
}

void sum_octets(benchmark::State& state) {
  const auto bytes = noise(static_cast<size_t>(state.range(0)));
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(sum(bytes));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

BENCHMARK(sum_octets)
    ->Arg(20)
    ->Arg(32)
    ->Arg(40)
    ->Arg(100)
    ->Arg(536)
    ->Arg(1460)
    ->Arg(16384)
    ->Arg(65000);

void copy_and_sum_octets(benchmark::State& state) {
  const auto bytes = noise(static_cast<size_t>(state.range(0)));
  std::vector<uint8_t> to(bytes.size());
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(copy_and_sum(to.data(), bytes));
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

BENCHMARK(copy_and_sum_octets)
    ->Arg(1)
    ->Arg(32)
    ->Arg(100)
    ->Arg(536)
    ->Arg(1460)
    ->Arg(16384)
    ->Arg(65000);

void parse(benchmark::State& state, const Options& options) {
  const auto text = noise(static_cast<size_t>(state.range(0)));
  std::vector<uint8_t> packet(kIpv4Header + 60 + text.size());
  const size_t header = build_packet(packet.data(), head_with(options), text, sum(text));
  std::ranges::copy(text, packet.begin() + static_cast<ptrdiff_t>(header));
  packet.resize(header + text.size());
  for ([[maybe_unused]] auto _ : state) {
    const auto ip = parse_ipv4(packet);
    if (!ip.has_value()) return state.SkipWithError("IPv4 header refused");
    const auto seg = parse_tcp(ip->payload, ip->source, ip->destination, Checksum::Verify);
    if (!seg.has_value()) return state.SkipWithError("TCP header refused");
    benchmark::DoNotOptimize(*seg);
  }
}

void parse_plain(benchmark::State& state) {
  parse(state, {});
}

void parse_timestamps(benchmark::State& state) {
  parse(state, timestamps());
}

void parse_opening(benchmark::State& state) {
  parse(state, opening());
}

BENCHMARK(parse_plain)->Arg(0);
BENCHMARK(parse_timestamps)->Arg(0)->Arg(1)->Arg(1448);
BENCHMARK(parse_opening)->Arg(0);

void build(benchmark::State& state, const Options& options) {
  std::vector<uint8_t> packet(kIpv4Header + 60);
  SegmentHead head = head_with(options);
  for ([[maybe_unused]] auto _ : state) {
    head.seq += 1_B;
    benchmark::DoNotOptimize(build_packet(packet.data(), head, {}, {}));
    benchmark::ClobberMemory();
  }
}

void build_plain(benchmark::State& state) {
  build(state, {});
}

void build_timestamps(benchmark::State& state) {
  build(state, timestamps());
}

void build_opening(benchmark::State& state) {
  build(state, opening());
}

BENCHMARK(build_plain);
BENCHMARK(build_timestamps);
BENCHMARK(build_opening);

}  // namespace
}  // namespace rapport::wire

BENCHMARK_MAIN();
