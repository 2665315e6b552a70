// Who talks to whom, and how each end behaves; what goes wrong meanwhile.
#include "rapport/base/random.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/sim/lives/draw.hh"
#include "rapport/sim/lives/plan.hh"
#include "rapport/sim/world.hh"
#include "rapport/tcp/config.hh"

#include <algorithm>
#include <array>
#include <cstdint>

namespace rapport::lives {

namespace {

EndPlan draw_end(Random& r) {
  EndPlan e;
  constexpr std::array kDrawn{Style::Polite,   Style::Polite,   Style::Tidy,      Style::Tidy,
                              Style::Follower, Style::Follower, Style::Impatient, Style::Aborter,
                              Style::Dropper,  Style::Brusque,  Style::Hasty};
  e.style = kDrawn[r.below(kDrawn.size())];
  e.aborts = once_in(r, 2);
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
  const bool lingers = once_in(r, 4);
  const bool impatient = once_in(r, 4);
  const Duration linger = up_to(r, 20_s);
  const Duration timeout = 2_s + up_to(r, once_in(r, 2) ? 3_s : 50_s);
  if (gentle) return o;
  o.linger = lingers;
  o.linger_time = linger < 5_s ? 0_s : linger - 5_s + 100_ms;
  if (impatient) o.user_timeout = timeout;
  return o;
}

bool ends_by_itself(Style s) {
  return s != Style::Follower;
}

// What the faster direction of the wire between two hosts takes by itself.
Duration shortest_way(const Plan& plan, sim::HostId a, sim::HostId b) {
  for (const WayPlan& w : plan.wires) {
    if ((w.a == a && w.b == b) || (w.a == b && w.b == a)) {
      return std::min(w.ways[0].delay, w.ways[1].delay);
    }
  }
  return 1_ms;
}

TalkPlan draw_talk(Random& r, uint16_t number, const Plan& plan) {
  TalkPlan t;
  const auto hosts = static_cast<uint32_t>(plan.hosts.size());
  t.hosts[0] = r.below(hosts);
  t.hosts[1] = (t.hosts[0] + 1 + r.below(hosts - 1)) % hosts;
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
    t.ends[i].options =
        draw_options(r, plan.hosts[t.hosts[i]].stack.tcp.defaults, t.is_gentle(), plan.harsh);
  }
  const Duration start = up_to(r, 500_ms);
  t.ends[0].start = t.ends[1].start = start;
  // Together: within the time that a SYN takes, so that each finds the other in SYN-SENT.
  const Duration apart = up_to(r, shortest_way(plan, t.hosts[0], t.hosts[1]) * 9 / 10);
  if (t.opening == Opening::Together) t.ends[r.below(2)].start += apart;
  for (EndPlan& e : t.ends) {
    if (e.style == Style::Hasty) e.patience = up_to(r, 120_ms);
  }
  const uint32_t rounds = between(r, 2, 4);
  const Duration pause = up_to(r, once_in(r, 2) ? 200_ms : 70_s);
  if (once_in(r, 4)) {
    t.rounds = rounds;
    t.between = pause;
  }
  return t;
}

CrowdPlan draw_crowd(Random& r, uint16_t number, const Plan& plan) {
  CrowdPlan c;
  const auto hosts = static_cast<uint32_t>(plan.hosts.size());
  c.server = r.below(hosts);
  c.port = static_cast<uint16_t>(80 + number);
  c.backlog = between(r, 1, 3);
  const uint32_t clients = between(r, 1, 8);
  for (uint32_t i = 0; i < clients; ++i) {
    c.clients.push_back((c.server + 1 + r.below(hosts - 1)) % hosts);
  }
  c.span = up_to(r, once_in(r, 2) ? 50_ms : 5_s);
  c.accept_pause = up_to(r, once_in(r, 2) ? 1_ms : 2_s);
  c.closes_after = up_to(r, once_in(r, 3) ? 400_ms : 20_s) + 20_ms;
  c.served = draw_end(r);
  c.client = draw_end(r);
  for (EndPlan* e : {&c.served, &c.client}) {
    e->octets = std::min(e->octets, 4000U);
    e->write_chunk = std::max(e->write_chunk, 8U);
    e->read_chunk = std::max(e->read_chunk, 8U);
    if (e->style == Style::Hasty) e->patience = up_to(r, 120_ms);
    e->options = draw_options(r, plan.hosts[c.server].stack.tcp.defaults, false, true);
  }
  if (c.served.style == Style::Follower && c.client.style == Style::Follower) {
    c.client.style = Style::Tidy;
  }
  return c;
}

Mishap draw_mishap(Random& r, const Plan& plan) {
  Mishap m;
  constexpr std::array kDrawn{MishapKind::Partition, MishapKind::Partition, MishapKind::Partition,
                              MishapKind::Crash,     MishapKind::SynFlood,  MishapKind::Refusals,
                              MishapKind::OldSyn,    MishapKind::OldSyn,    MishapKind::Drain};
  m.kind = kDrawn[r.below(kDrawn.size())];
  m.at = Instant{} + up_to(r, once_in(r, 2) ? 700_ms : 20_s);
  m.lasts = up_to(r, once_in(r, 2) ? 3_s : 200_s) + 1_ms;
  const auto hosts = static_cast<uint32_t>(plan.hosts.size());
  m.a = r.below(hosts);
  m.b = (m.a + 1 + r.below(hosts - 1)) % hosts;
  m.amount = between(r, 1, 200);
  if (m.kind == MishapKind::OldSyn || m.kind == MishapKind::Refusals) m.at = Instant{};
  if (!plan.crowds.empty()) {
    const CrowdPlan& c = plan.crowds[r.below(static_cast<uint32_t>(plan.crowds.size()))];
    m.port = c.port;
    if (m.kind == MishapKind::SynFlood) m.a = c.server;
  }
  return m;
}

}  // namespace

void draw_talks(Random& r, Plan& plan) {
  const uint32_t talks = between(r, 1, 4);
  for (uint32_t n = 0; n < talks; ++n) {
    plan.talks.push_back(draw_talk(r, static_cast<uint16_t>(n), plan));
  }
}

void draw_crowds(Random& r, Plan& plan) {
  if (!once_in(r, 3)) return;
  plan.crowds.push_back(draw_crowd(r, 0, plan));
}

// By a draw of its own: the rest of the plan is the same without.
void draw_strays(Plan& plan) {
  constexpr uint64_t own = 0x5742'6179'7300;
  Random r(plan.seed ^ own);
  if (!plan.harsh || !once_in(r, 3)) return;
  Mishap m;
  m.kind = MishapKind::Strays;
  m.a = r.below(static_cast<uint32_t>(plan.hosts.size()));
  m.amount = between(r, 2, 12);
  plan.mishaps.push_back(m);
}

void draw_mishaps(Random& r, Plan& plan, const Wishes& wishes) {
  const uint32_t mishaps = once_in(r, 2) ? 0 : between(r, 1, 4);
  for (uint32_t n = 0; n < mishaps; ++n) plan.mishaps.push_back(draw_mishap(r, plan));
  if (wishes.partition) {
    Mishap m = draw_mishap(r, plan);
    m.kind = MishapKind::Partition;
    m.lasts = *wishes.partition;
    if (m.a == m.b) m.b = (m.a + 1) % static_cast<uint32_t>(plan.hosts.size());  // drawn as a flood
    plan.mishaps.push_back(m);
  }
}

}  // namespace rapport::lives
