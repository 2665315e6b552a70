// Drawing a plan. No two draws in one expression.
#include "plan.hh"

#include "rapport/base/address.hh"
#include "rapport/base/random.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/sim/link.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/config.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace rapport::random_lives {

namespace {

constexpr uint32_t kPercent = 10'000;  // in parts per million

uint32_t between(Random& r, uint32_t least, uint32_t most) {
  return least + r.below(most - least + 1);
}

bool once_in(Random& r, uint32_t n) {
  return r.below(n) == 0;
}

// Any order of magnitude is as likely as any other.
uint32_t any_size(Random& r, uint32_t bits) {
  const uint32_t magnitude = r.below(bits + 1);
  return r.below(1U << magnitude);
}

Duration up_to(Random& r, Duration most) {
  const auto us = static_cast<uint32_t>(most.to_us());
  return Duration{int64_t{r.below(us + 1)} * 1'000};
}

sim::LinkConfig draw_way(Random& r, uint32_t level) {
  sim::LinkConfig way;
  constexpr std::array<uint32_t, 4> kMost{0, 2, 8, 20};  // percent
  const uint32_t most = kMost[level] * kPercent;
  way.delay = 100_us + up_to(r, 60_ms);
  const bool has_rate = once_in(r, 3);
  const uint32_t megabits = between(r, 1, 100);
  const uint32_t queue = between(r, 20'000, 200'000);
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

EndPlan draw_end(Random& r) {
  EndPlan e;
  constexpr std::array kStyles{Style::Polite,   Style::Polite,    Style::Tidy,    Style::Tidy,
                               Style::Follower, Style::Impatient, Style::Aborter, Style::Dropper};
  e.style = kStyles[r.below(kStyles.size())];
  e.octets = any_size(r, 17);
  e.write_chunk = std::max(any_size(r, 15), 1U);
  e.read_chunk = std::max(any_size(r, 15), 1U);
  const uint32_t chunks = 1 + e.octets / std::min(e.write_chunk, e.read_chunk);
  if (once_in(r, 2)) e.write_pause = up_to(r, 20_s / std::max(chunks, 100U));
  if (once_in(r, 2)) e.read_pause = up_to(r, 20_s / std::max(chunks, 100U));
  if (once_in(r, 6)) e.nap = up_to(r, 30_s);
  e.patience = up_to(r, once_in(r, 2) ? 300_ms : 20_s);
  const uint32_t urgent = between(r, 1, 20);
  if (once_in(r, 6)) e.urgent_every = urgent;
  return e;
}

// What an application may set. Who does not close by the book leaves the other with a connection
// that nothing but keep-alive can end, should its RST be lost.
// On a harsh wire even a gentle end may be given up by its stack while the other waits for it.
tcp::ConnectionOptions draw_options(Random& r, tcp::ConnectionOptions o, bool gentle, bool harsh) {
  o.quick_ack = once_in(r, 6);
  const bool probes = once_in(r, 4);
  o.keep_alive = probes || harsh || !gentle;
  o.keep_alive_octet = once_in(r, 2);
  o.keep_alive_idle = gentle ? 10_s : 20_s;
  o.keep_alive_interval = 5_s;
  const uint32_t clamp = between(r, 100, 1500);
  if (once_in(r, 8)) o.mss_clamp = static_cast<uint16_t>(clamp);
  const uint32_t ttl = between(r, 1, 255);
  const uint32_t dscp = r.below(64);
  if (once_in(r, 6)) o.ttl = static_cast<uint8_t>(ttl);
  if (once_in(r, 6)) o.dscp = static_cast<uint8_t>(dscp);
  const bool lingers = once_in(r, 6);
  const bool impatient = once_in(r, 6);
  const Duration linger = up_to(r, 20_s);
  const Duration timeout = 5_s + up_to(r, 50_s);
  if (gentle) return o;
  o.linger = lingers;
  o.linger_time = linger < 10_s ? 0_s : linger;
  if (impatient) o.user_timeout = timeout;
  return o;
}

bool ends_by_itself(Style s) {
  return s != Style::Follower;
}

TalkPlan draw_talk(Random& r, uint16_t number, const Plan& plan) {
  TalkPlan t;
  t.opening = static_cast<Opening>(r.below(3));
  for (uint8_t i = 0; i < 2; ++i) {
    t.ends[i] = draw_end(r);
    t.port[i] = static_cast<uint16_t>(1000 * (i + 2) + number);
  }
  if (!ends_by_itself(t.ends[0].style) && !ends_by_itself(t.ends[1].style)) {
    t.ends[r.below(2)].style = Style::Tidy;
  }
  // No more than about a thousand calls to write and a thousand to read a stream.
  for (uint8_t i = 0; i < 2; ++i) {
    const uint32_t least = t.ends[i].octets / 1000 + 1;
    t.ends[i].write_chunk = std::max(t.ends[i].write_chunk, least);
    t.ends[1 - i].read_chunk = std::max(t.ends[1 - i].read_chunk, least);
  }
  for (uint8_t i = 0; i < 2; ++i) {
    t.ends[i].options = draw_options(r, plan.hosts[i].tcp.defaults, t.is_gentle(), plan.harsh);
  }
  const Duration start = up_to(r, 500_ms);
  t.ends[0].start = t.ends[1].start = start;
  // Together: within the time that a SYN takes, so that each finds the other in SYN-SENT.
  const Duration apart = up_to(r, std::min(plan.ways[0].delay, plan.ways[1].delay) - 50_us);
  if (t.opening == Opening::Together) t.ends[r.below(2)].start += apart;
  return t;
}

const char* name(Style s) {
  constexpr std::array kNames{"polite", "tidy", "follower", "impatient", "aborter", "dropper"};
  return kNames[static_cast<size_t>(s)];
}

const char* name(Opening o) {
  constexpr std::array kNames{"by first", "by second", "together"};
  return kNames[static_cast<size_t>(o)];
}

std::string in_ms(Duration d) {
  return std::to_string(d.to_us()) + "us";
}

std::string describe(const sim::LinkConfig& w) {
  return "delay " + in_ms(w.delay) + ", rate " + std::to_string(w.bits_per_second) + ", queue "
         + std::to_string(w.queue) + ", loss " + std::to_string(w.faults.loss_ppm)
         + "ppm, duplicate " + std::to_string(w.faults.duplicate_ppm) + "ppm, reorder "
         + std::to_string(w.faults.reorder_ppm) + "ppm by " + in_ms(w.faults.reorder_delay)
         + ", corrupt " + std::to_string(w.faults.corrupt_ppm) + "ppm, jitter "
         + in_ms(w.faults.jitter);
}

std::string describe(const stack::Config& c) {
  const tcp::Config& t = c.tcp;
  return to_string(c.interfaces[0].addresses[0].address) + ", mtu "
         + std::to_string(c.interfaces[0].mtu) + (t.offer_window_scale ? " ws" : "")
         + (t.offer_sack ? " sack" : "") + (t.offer_timestamps ? " ts" : "")
         + (t.defaults.no_delay ? " nodelay" : "") + ", connections "
         + std::to_string(t.max_connections) + ", half-open " + std::to_string(t.max_half_open)
         + ", TIME-WAIT " + std::to_string(t.max_time_wait) + ", transfers "
         + std::to_string(t.max_transfers) + ", extras " + std::to_string(t.max_extras)
         + ", blocks " + std::to_string(t.max_blocks) + ", pieces " + std::to_string(t.max_pieces)
         + ", send buffer " + std::to_string(t.defaults.send_buffer.v) + ", receive buffer "
         + std::to_string(t.defaults.receive_buffer.v) + ", 2MSL " + in_ms(t.two_msl);
}

std::string describe(const EndPlan& e) {
  return std::string(name(e.style)) + ", starts " + in_ms(e.start) + ", writes "
         + std::to_string(e.octets) + " by " + std::to_string(e.write_chunk) + " pausing "
         + in_ms(e.write_pause) + ", reads by " + std::to_string(e.read_chunk) + " pausing "
         + in_ms(e.read_pause) + " after a nap of " + in_ms(e.nap) + ", patience "
         + in_ms(e.patience) + (e.urgent_every > 0 ? ", urgent text" : "") + ", TTL "
         + std::to_string(e.options.ttl) + ", DSCP " + std::to_string(e.options.dscp)
         + (e.options.keep_alive ? ", keep-alive" : "")
         + (e.options.linger ? ", linger " + in_ms(e.options.linger_time) : "")
         + (e.options.user_timeout > 0_s ? ", user timeout " + in_ms(e.options.user_timeout) : "");
}

}  // namespace

bool TalkPlan::is_gentle() const {
  return std::ranges::all_of(ends, [](const EndPlan& e) { return e.style <= Style::Follower; });
}

std::string Plan::to_string() const {
  std::string s = "seed " + std::to_string(seed) + (bursts ? ", bursts" : "")
                  + (frames_first ? ", frames first" : "") + (harsh ? ", harsh" : "") + "\n";
  for (size_t i = 0; i < 2; ++i) {
    s += "  host " + std::to_string(i) + ": " + describe(hosts[i]) + ", frames "
         + std::to_string(frames[i]) + "\n  its way: " + describe(ways[i]) + "\n";
  }
  for (const TalkPlan& t : talks) {
    s += "  opened " + std::string(name(t.opening)) + ", ports " + std::to_string(t.port[0])
         + " and " + std::to_string(t.port[1]) + "\n";
    for (size_t i = 0; i < 2; ++i)
      s += "    " + std::to_string(i) + ": " + describe(t.ends[i]) + "\n";
  }
  return s;
}

Plan draw_plan(uint64_t seed) {
  Random r(seed);
  Plan plan;
  plan.seed = seed;
  const uint32_t level = r.below(4);  // none, mild, medium, harsh
  plan.harsh = level >= 2;
  for (uint8_t i = 0; i < 2; ++i) {
    plan.ways[i] = draw_way(r, level);
    plan.hosts[i] = draw_host(r, static_cast<uint8_t>(i + 1));
    if (plan.seed % 2 == 1) move_to_ipv6(plan.hosts[i], static_cast<uint8_t>(i + 1));
    if (once_in(r, 10)) plan.harsh |= cramp(r, plan.hosts[i].tcp);
    const uint32_t few_frames = between(r, 4, 40);
    plan.frames[i] = once_in(r, 8) ? few_frames : 8192;
  }
  plan.bursts = once_in(r, 2);
  plan.frames_first = once_in(r, 2);
  const uint32_t talks = between(r, 1, 4);
  for (uint32_t n = 0; n < talks; ++n) {
    plan.talks.push_back(draw_talk(r, static_cast<uint16_t>(n), plan));
  }
  return plan;
}

}  // namespace rapport::random_lives
