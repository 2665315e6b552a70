// Taking a plan apart.
#include "rapport/sim/lives/shrink.hh"

#include "rapport/base/faults.hh"
#include "rapport/sim/link.hh"
#include "rapport/sim/lives/plan.hh"
#include "rapport/sim/world.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace rapport::lives {

namespace {

class Shrinker {
 public:
  Shrinker(const Plan& plan, const std::function<bool(const Plan&)>& breaks, uint32_t most)
      : breaks_(breaks), most_(most), best_{.plan = plan} {}

  Shrunk run() {
    for (bool any = true; any && best_.tried < most_;) {
      const uint32_t before = best_.taken;
      drop_each(&Plan::mishaps);
      drop_each(&Plan::crowds);
      drop_each(&Plan::talks);
      for (size_t h = best_.plan.hosts.size(); h > 0; --h) drop_host(h - 1);
      smaller_crowds();
      smaller_talks();
      calmer_wires();
      plainer_world();
      any = best_.taken != before;
    }
    return best_;
  }

 private:
  bool offer(Plan smaller) {
    if (best_.tried >= most_) return false;
    ++best_.tried;
    if (!breaks_(smaller)) return false;
    ++best_.taken;
    best_.plan = std::move(smaller);
    return true;
  }

  // `change` says whether it changed anything.
  template <class Change>
  void attempt(Change change) {
    Plan smaller = best_.plan;
    if (change(smaller)) offer(std::move(smaller));
  }

  template <class Piece>
  void drop_each(std::vector<Piece> Plan::* pieces) {
    for (size_t i = (best_.plan.*pieces).size(); i > 0; --i) {
      attempt([&](Plan& p) {
        (p.*pieces).erase((p.*pieces).begin() + static_cast<std::ptrdiff_t>(i - 1));
        return !p.talks.empty() || !p.crowds.empty();
      });
    }
  }

  static bool is_used(const Plan& p, sim::HostId h) {
    const auto talks = [&](const TalkPlan& t) { return t.hosts[0] == h || t.hosts[1] == h; };
    const auto crowds = [&](const CrowdPlan& c) {
      return c.server == h || std::ranges::find(c.clients, h) != c.clients.end();
    };
    const auto mishaps = [&](const Mishap& m) { return m.a == h || m.b == h; };
    return std::ranges::any_of(p.talks, talks) || std::ranges::any_of(p.crowds, crowds)
           || std::ranges::any_of(p.mishaps, mishaps);
  }

  // Later hosts move up.
  void drop_host(size_t host) {
    const auto gone = static_cast<sim::HostId>(host);
    if (best_.plan.hosts.size() <= 2 || is_used(best_.plan, gone)) return;
    attempt([&](Plan& p) {
      const auto move = [&](sim::HostId& h) { h -= h > gone ? 1U : 0U; };
      p.hosts.erase(p.hosts.begin() + gone);
      std::erase_if(p.wires, [&](const WayPlan& w) { return w.a == gone || w.b == gone; });
      for (WayPlan& w : p.wires) {
        move(w.a);
        move(w.b);
      }
      for (TalkPlan& t : p.talks) std::ranges::for_each(t.hosts, move);
      for (CrowdPlan& c : p.crowds) {
        move(c.server);
        std::ranges::for_each(c.clients, move);
      }
      for (Mishap& m : p.mishaps) {
        move(m.a);
        move(m.b);
      }
      return true;
    });
  }

  void smaller_crowds() {
    for (size_t i = 0; i < best_.plan.crowds.size(); ++i) {
      while (best_.plan.crowds[i].clients.size() > 1) {
        const uint32_t before = best_.taken;
        attempt([&](Plan& p) {
          p.crowds[i].clients.pop_back();
          return true;
        });
        if (best_.taken == before) break;
      }
      simpler_end([i](Plan& p) -> EndPlan& { return p.crowds[i].served; });
      simpler_end([i](Plan& p) -> EndPlan& { return p.crowds[i].client; });
    }
  }

  void smaller_talks() {
    for (size_t i = 0; i < best_.plan.talks.size(); ++i) {
      attempt([&](Plan& p) { return std::exchange(p.talks[i].rounds, 1U) > 1; });
      for (size_t end = 0; end < 2; ++end) {
        simpler_end([i, end](Plan& p) -> EndPlan& { return p.talks[i].ends[end]; });
      }
    }
  }

  template <class Which>
  void simpler_end(Which which) {
    attempt([&](Plan& p) { return std::exchange(which(p).octets, 0U) > 0; });
    attempt([&](Plan& p) {
      const uint32_t half = which(p).octets / 2;
      return std::exchange(which(p).octets, half) > half;
    });
    attempt([&](Plan& p) { return std::exchange(which(p).urgent_every, 0U) > 0; });
    attempt([&](Plan& p) {
      EndPlan& e = which(p);
      const bool any = e.write_pause.ns + e.read_pause.ns + e.nap.ns > 0;
      e.write_pause = e.read_pause = e.nap = {};
      return any;
    });
  }

  void calmer_wires() {
    for (size_t w = 0; w < best_.plan.wires.size(); ++w) {
      for (size_t way = 0; way < 2; ++way) {
        calmer(w, way);
      }
    }
  }

  void calmer(size_t wire, size_t way) {
    const auto link = [&](Plan& p) -> sim::LinkConfig& { return p.wires[wire].ways[way]; };
    for (uint32_t FaultPlan::* share : {&FaultPlan::loss_ppm, &FaultPlan::duplicate_ppm,
                                        &FaultPlan::reorder_ppm, &FaultPlan::corrupt_ppm}) {
      attempt([&](Plan& p) { return std::exchange(link(p).faults.*share, 0U) > 0; });
    }
    attempt([&](Plan& p) { return std::exchange(link(p).faults.jitter, Duration{}) > Duration{}; });
    attempt(
        [&](Plan& p) { return std::exchange(link(p).bursty, sim::BurstyLoss{}).begins_ppm > 0; });
    attempt([&](Plan& p) { return std::exchange(link(p).lose_every, 0U) > 0; });
    attempt([&](Plan& p) { return std::exchange(link(p).bits_per_second, uint64_t{0}) > 0; });
  }

  void plainer_world() {
    attempt([](Plan& p) { return std::exchange(p.bursts, false); });
    for (size_t h = 0; h < best_.plan.hosts.size(); ++h) {
      attempt([&](Plan& p) { return std::exchange(p.hosts[h].clock_lag_ppm, 0U) > 0; });
      attempt([&](Plan& p) {
        constexpr uint32_t plenty = 8192;
        return std::exchange(p.hosts[h].frames, plenty) != plenty;
      });
    }
  }

  const std::function<bool(const Plan&)>& breaks_;
  uint32_t most_;
  Shrunk best_;
};

}  // namespace

Shrunk shrink(const Plan& plan, const std::function<bool(const Plan&)>& breaks, uint32_t most) {
  return Shrinker(plan, breaks, most).run();
}

}  // namespace rapport::lives
