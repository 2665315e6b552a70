// A plan in words.
#include "rapport/base/address.hh"
#include "rapport/base/time.hh"
#include "rapport/sim/link.hh"
#include "rapport/sim/lives/plan.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/config.hh"

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace rapport::lives {

namespace {

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

std::string describe(const Mishap& m) {
  const std::string who = "host " + std::to_string(m.a);
  const std::string when = " at " + in_ms(m.at - Instant{}) + " for " + in_ms(m.lasts);
  switch (m.kind) {
    case MishapKind::Partition:
      return "partition of " + who + " and host " + std::to_string(m.b) + when;
    case MishapKind::SynFlood:
      return std::to_string(m.amount) + " SYNs from nowhere to " + who + ", port "
             + std::to_string(m.port) + when;
    default: return std::string(name(m.kind)) + " of " + who + when;
  }
}

std::string describe(const CrowdPlan& c) {
  std::string s =
      "host " + std::to_string(c.server) + " serves port " + std::to_string(c.port) + ", backlog "
      + std::to_string(c.backlog) + ", accepts within " + in_ms(c.accept_pause) + ", closes after "
      + in_ms(c.closes_after) + "\n    served: " + describe(c.served) + "\n    "
      + std::to_string(c.clients.size()) + " clients within " + in_ms(c.span) + ", from hosts";
  for (const sim::HostId h : c.clients) s += " " + std::to_string(h);
  return s + "\n    each: " + describe(c.client);
}

}  // namespace

std::string_view name(Style s) {
  constexpr std::array<std::string_view, kStyles> kNames{
      "polite", "tidy", "follower", "impatient", "aborter", "dropper", "brusque", "hasty"};
  return kNames[static_cast<size_t>(s)];
}

std::string_view name(Opening o) {
  constexpr std::array<std::string_view, 3> kNames{"by first", "by second", "together"};
  return kNames[static_cast<size_t>(o)];
}

std::string_view name(MishapKind k) {
  constexpr std::array<std::string_view, kMishapKinds> kNames{
      "partition", "crash", "SYN flood", "ICMP refusals", "old SYNs", "drain", "strays"};
  return kNames[static_cast<size_t>(k)];
}

std::string Plan::to_string() const {
  std::string s = "seed " + std::to_string(seed) + (bursts ? ", bursts" : "")
                  + (frames_first ? ", frames first" : "") + (harsh ? ", harsh" : "") + "\n";
  for (size_t i = 0; i < hosts.size(); ++i) {
    s += "  host " + std::to_string(i) + ": " + describe(hosts[i].stack) + ", frames "
         + std::to_string(hosts[i].frames)
         + (hosts[i].clock_lag_ppm != 0
                ? ", its clock is slow by " + std::to_string(hosts[i].clock_lag_ppm) + "ppm"
                : "")
         + "\n";
  }
  for (const WayPlan& w : wires) {
    const std::string ends[2] = {std::to_string(w.a), std::to_string(w.b)};
    for (size_t i = 0; i < 2; ++i) {
      s += "  wire " + ends[i] + " to " + ends[1 - i] + ": " + describe(w.ways[i]) + "\n";
    }
  }
  for (const TalkPlan& t : talks) {
    s += "  talk opened " + std::string(name(t.opening)) + ", " + std::to_string(t.rounds)
         + " times with " + in_ms(t.between) + " between\n";
    for (size_t i = 0; i < 2; ++i) {
      s += "    host " + std::to_string(t.hosts[i]) + ", port " + std::to_string(t.port[i]) + ": "
           + describe(t.ends[i]) + "\n";
    }
  }
  for (const CrowdPlan& c : crowds) s += "  " + describe(c) + "\n";
  for (const Mishap& m : mishaps) s += "  " + describe(m) + "\n";
  return s;
}

}  // namespace rapport::lives
