// Names and settings.
#include "rapport/sim/explore/scenario.hh"

#include "rapport/base/seq.hh"
#include "rapport/tcp/config.hh"

#include <cstddef>

namespace rapport::sim::explore {

namespace {

constexpr std::array<std::string_view, 6> kScenarios{"open",       "transfer", "close",
                                                     "open-close", "reuse",    "fast-reuse"};
constexpr std::array<std::string_view, 3> kPartings{"client-first", "server-first", "together"};
constexpr std::array kAll{Parting::ClientFirst, Parting::ServerFirst, Parting::Together};

// The shipped defaults but for lengths of time, and tables as small as two ends need: a stack is
// made for every world. Nobody gives up before K losses in a row are made good.
void shorten(tcp::Config& t) {
  t.max_connections = t.max_half_open = t.max_time_wait = t.max_transfers = t.max_extras = 8;
  t.max_listeners = 2;
  t.max_blocks = t.max_pieces = 8;
  t.initial_rto = 200_ms;
  t.two_msl = 2 * kMsl;
  t.syn_give_up = t.syn_ack_give_up = t.r2 = 100_s;  // RTO is 3 s after a SYN that timed out
  t.orphan_give_up = 100_s;
  t.fin_wait_2_orphan = 3_s;
  t.defaults.send_buffer = t.defaults.receive_buffer = ByteCount{4096};
  t.defaults.keep_alive_idle = 4_s;  // who waits for a peer that has crashed hears of it
  t.defaults.keep_alive_interval = 500_ms;
  t.defaults.keep_alive_probes = 5;
}

}  // namespace

std::string_view name(Scenario s) {
  return kScenarios.at(static_cast<size_t>(s));
}

std::optional<Scenario> scenario_named(std::string_view name) {
  for (size_t i = 0; i < kScenarios.size(); ++i) {
    if (kScenarios.at(i) == name) return static_cast<Scenario>(i);
  }
  return std::nullopt;
}

std::string_view name(Parting p) {
  return kPartings.at(static_cast<size_t>(p));
}

std::span<const Parting> partings_of(Scenario s) {
  const bool parts = s == Scenario::Close || s == Scenario::OpenClose || s == Scenario::Reuse;
  return std::span(kAll).first(parts ? kAll.size() : 1);
}

Shape shape_of(Scenario s) {
  if (s != Scenario::FastReuse) return {};
  return {.delay = 1_ms, .text = 2'096, .pause = 1_ms, .timestamps = false, .crashes = false};
}

HostConfig host_config(HostId h, const Shape& shape) {
  HostConfig c;
  c.name = h == kClient ? "client" : "server";
  c.stack.interfaces[0].addresses = {{h == kClient ? kClientAt.address : kServerAt.address, 24}};
  c.stack.interfaces[0].mtu = 576;
  c.frames = 64;
  c.trace_records = 256;
  c.stack.max_path_mtus = 4;
  c.stack.udp.max_sockets = c.stack.udp.max_datagrams = c.stack.udp.max_blocks = 4;
  shorten(c.stack.tcp);
  c.stack.tcp.offer_timestamps = shape.timestamps;
  return c;
}

}  // namespace rapport::sim::explore
