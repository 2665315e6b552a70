// Hosts and wires of a plan.
#include "rapport/base/address.hh"
#include "rapport/base/interface.hh"
#include "rapport/base/random.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/sim/link.hh"
#include "rapport/sim/lives/draw.hh"
#include "rapport/sim/lives/plan.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/config.hh"

#include <algorithm>
#include <array>
#include <cstdint>

namespace rapport::lives {

namespace {

constexpr uint32_t kPercent = 10'000;  // in parts per million

sim::LinkConfig draw_way(Random& r, uint32_t level) {
  sim::LinkConfig way;
  constexpr std::array<uint32_t, 4> kMost{0, 2, 8, 20};  // percent
  const uint32_t most = kMost[level] * kPercent;
  way.delay = 100_us + up_to(r, 60_ms);
  const bool has_rate = once_in(r, 3);
  const uint32_t megabits = between(r, 1, 100);
  const uint32_t queue = between(r, 3'000, 60'000);
  if (has_rate) {
    way.bits_per_second = uint64_t{megabits} * 1'000'000;
    way.queue = queue;
  }
  way.faults.loss_ppm = r.below(most + 1);
  way.faults.duplicate_ppm = r.below(most / 2 + 1);
  way.faults.reorder_ppm = r.below(most + 1);
  way.faults.corrupt_ppm = r.below(most / 4 + 1);
  way.faults.reorder_delay = up_to(r, 80_ms);
  const Duration jitter = up_to(r, 20_ms);
  if (level >= 2) way.faults.jitter = jitter;
  const uint32_t spell = between(r, 1, 5) * kPercent / 5;
  const uint32_t length = between(r, 5, 40) * kPercent;
  const uint32_t thickness = between(r, 20, 100) * kPercent;
  if (level >= 2 && once_in(r, 4)) way.bursty = {spell, length, thickness};
  const uint32_t every = between(r, 6, 40);
  if (level >= 2 && once_in(r, 6)) way.lose_every = every;
  return way;
}

// Every other seed lives over IPv6, where no link carries less than 1280 octets.
void move_to_ipv6(stack::Config& c, uint8_t number) {
  Interface& i = c.interfaces[0];
  i.addresses = {{IpAddress{{0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number}}, 64}};
  i.mtu = std::max<uint16_t>(i.mtu, 1280);
}

stack::Config draw_host(Random& r, uint8_t number) {
  stack::Config c;
  c.interfaces[0].addresses = {{IpAddress::v4(10, 0, 0, number), 24}};
  constexpr std::array<uint16_t, 4> kMtu{1500, 1500, 600, 4000};
  c.interfaces[0].mtu = kMtu[r.below(4)];
  tcp::Config& t = c.tcp;
  t.max_connections = t.max_transfers = t.max_extras = t.max_half_open = t.max_time_wait = 64;
  t.max_listeners = 8;
  t.max_blocks = 1024;
  t.max_pieces = 4096;
  // Little memory: everybody's text shares a few blocks, and a connection may find none.
  const uint32_t few_blocks = between(r, 6, 60);
  const uint32_t few_pieces = between(r, 8, 60);
  if (once_in(r, 8)) t.max_blocks = few_blocks;
  if (once_in(r, 8)) t.max_pieces = few_pieces;
  const uint32_t few_runs = between(r, 1, 16);
  if (once_in(r, 6)) t.max_out_of_order = few_runs;
  t.offer_window_scale = !once_in(r, 4);
  t.offer_sack = !once_in(r, 4);
  t.offer_timestamps = !once_in(r, 3);
  t.ack_policy = once_in(r, 2) ? tcp::AckPolicy::EverySecond : tcp::AckPolicy::PerBurst;
  t.quick_acks = once_in(r, 3) ? 0 : 16;
  t.min_rto = once_in(r, 4) ? 1_s : 200_ms;
  t.two_msl = 30_s + up_to(r, 30_s);
  t.time_wait_ignores_rst = !once_in(r, 4);
  t.reset_on_accept_overflow = once_in(r, 3);
  t.check_ack_in_syn_received = once_in(r, 4);
  const Duration patience = 4_s + up_to(r, 26_s);
  if (once_in(r, 3)) t.orphan_give_up = t.fin_wait_2_orphan = patience;
  const Duration r2 = 5_s + up_to(r, 40_s);
  if (once_in(r, 4)) t.r2 = r2;
  const uint32_t few_quiet = between(r, 1, 2);
  if (once_in(r, 6)) t.max_time_wait = few_quiet;
  const Duration give_up = 4_s + up_to(r, 60_s);
  if (once_in(r, 3)) t.syn_give_up = t.syn_ack_give_up = give_up;
  t.defaults.no_delay = once_in(r, 2);
  const uint32_t send = any_size(r, 18);
  const uint32_t receive = any_size(r, 18);
  t.defaults.send_buffer = ByteCount{std::max(send, 2048U)};
  t.defaults.receive_buffer = ByteCount{std::max(receive, 2048U)};
  return c;
}

// So few slots that some opens fail, some handshakes wait and some TIME-WAITs are evicted.
bool cramp(Random& r, tcp::Config& t) {
  for (uint32_t* cap :
       {&t.max_connections, &t.max_half_open, &t.max_time_wait, &t.max_transfers, &t.max_extras}) {
    *cap = between(r, 1, 5);
  }
  return true;
}

void obey(const Wishes& w, sim::LinkConfig& way) {
  if (w.loss_ppm) {
    way.faults.loss_ppm = *w.loss_ppm;
    way.bursty = {};
    way.lose_every = 0;
  }
  if (w.duplicate_ppm) way.faults.duplicate_ppm = *w.duplicate_ppm;
  if (w.reorder_ppm) way.faults.reorder_ppm = *w.reorder_ppm;
  if (w.corrupt_ppm) way.faults.corrupt_ppm = *w.corrupt_ppm;
  if (w.delay) way.delay = *w.delay;
}

}  // namespace

tcp::Config promised(tcp::Config drawn) {
  drawn.initial_rto = 1_s;
  drawn.delayed_ack = 40_ms;
  drawn.persist_max = 60_s;
  drawn.initial_window_segments = 10;
  constexpr Duration kLongestDrawn = 64_s;
  if (drawn.syn_give_up > kLongestDrawn) drawn.syn_give_up = 180_s;
  if (drawn.syn_ack_give_up > kLongestDrawn) drawn.syn_ack_give_up = 180_s;
  return drawn;
}

void draw_hosts(Random& r, Plan& plan, const Wishes& wishes, uint32_t level) {
  constexpr std::array<uint32_t, 6> kHosts{2, 2, 2, 3, 3, 4};
  const uint32_t drawn = kHosts[r.below(kHosts.size())];
  plan.hosts.resize(wishes.hosts.value_or(drawn));
  for (size_t i = 0; i < plan.hosts.size(); ++i) {
    HostPlan& h = plan.hosts[i];
    const auto number = static_cast<uint8_t>(i + 1);
    h.stack = draw_host(r, number);
    if (plan.seed % 2 == 1) move_to_ipv6(h.stack, number);
    if (once_in(r, 10)) plan.harsh |= cramp(r, h.stack.tcp);
    // Who gives up early may do so on a peer that is merely slow.
    plan.harsh |= h.stack.tcp.r2 < 100_s || h.stack.tcp.orphan_give_up < 100_s;
    const uint32_t few_frames = between(r, 4, 40);
    if (once_in(r, 8)) h.frames = few_frames;
    // A quartz of a bad kind, or a virtual machine that is not given its time.
    const uint32_t lag = between(r, 1, 4'000);
    if (once_in(r, 4)) h.clock_lag_ppm = lag;
  }
  for (sim::HostId a = 0; a < plan.hosts.size(); ++a) {
    for (sim::HostId b = a + 1; b < plan.hosts.size(); ++b) {
      WayPlan wire{.a = a, .b = b, .ways = {}};
      for (sim::LinkConfig& way : wire.ways) {
        way = draw_way(r, level);
        obey(wishes, way);
      }
      plan.wires.push_back(wire);
    }
  }
}

}  // namespace rapport::lives
