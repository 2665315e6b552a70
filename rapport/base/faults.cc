// Decisions about packets: dice of a fixed number a packet, and the script.
#include "rapport/base/faults.hh"

#include "rapport/base/random.hh"
#include "rapport/base/time.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>

namespace rapport {
namespace {

constexpr std::array<std::string_view, 4> kNames{"lose", "duplicate", "reorder", "corrupt"};
static_assert(kNames.size() == static_cast<size_t>(FaultKind::kCount));

}  // namespace

std::string_view name(FaultKind k) {
  return k < FaultKind::kCount ? kNames[static_cast<size_t>(k)] : "?";
}

Faults::Faults(FaultPlan plan, uint64_t seed) : random_(seed) {
  configure(std::move(plan));
}

void Faults::configure(FaultPlan plan) {
  plan_ = std::move(plan);
  for (const ScriptedFault& fault : plan_.script) order(fault);
  plan_.script.clear();
}

void Faults::order(const ScriptedFault& fault) {
  const auto at =
      std::ranges::lower_bound(script_, fault.packet, std::greater{}, &ScriptedFault::packet);
  script_.insert(at, fault);
}

// Uniform in [0, plan.jitter], to the microsecond.
Duration Faults::jitter() {
  const int64_t most = std::clamp<int64_t>(plan_.jitter.to_us(), 0, UINT32_MAX - 1);
  return Duration{int64_t{random_.below(static_cast<uint32_t>(most) + 1)} * 1'000};
}

Fate Faults::decide(size_t octets) {
  ++counts_.packets;
  Fate fate = dice(octets);
  obey_script(fate, octets);
  if (fate.lost()) fate = Fate{.copies = 0};
  count(fate);
  return fate;
}

Fate Faults::dice(size_t octets) {
  Fate fate;
  const bool lost = random_.chance_ppm(plan_.loss_ppm);
  const bool duplicated = random_.chance_ppm(plan_.duplicate_ppm);
  fate.reordered = random_.chance_ppm(plan_.reorder_ppm);
  fate.corrupted = random_.chance_ppm(plan_.corrupt_ppm) && octets > 0;
  const uint64_t place = random_.next();
  fate.delay[0] = plan_.delay + jitter();
  fate.delay[1] = plan_.delay + jitter();
  fate.copies = lost ? 0 : duplicated ? 2 : 1;
  if (fate.reordered) fate.delay[0] += plan_.reorder_delay;
  fate.octet = static_cast<uint32_t>((place >> 32) * std::min<size_t>(octets, UINT32_MAX) >> 32);
  fate.flip = static_cast<uint8_t>(1U << (place & 7));
  return fate;
}

void Faults::obey_script(Fate& fate, size_t octets) {
  while (!script_.empty() && script_.back().packet <= counts_.packets) {
    const ScriptedFault fault = script_.back();
    script_.pop_back();
    if (fault.packet != counts_.packets) continue;  // ordered too late
    switch (fault.kind) {
      case FaultKind::Lose: fate.copies = 0; break;
      case FaultKind::Duplicate:
        fate.copies = std::min<uint8_t>(fate.copies, 1) * 2;
        fate.delay[1] = fate.delay[0] + fault.by;
        break;
      case FaultKind::Reorder:
        fate.reordered = true;
        fate.delay[0] += fault.by == Duration{} ? plan_.reorder_delay : fault.by;
        break;
      case FaultKind::Corrupt:
        fate.corrupted = octets > 0;
        if (fault.octet != ScriptedFault::kAnywhere && fate.corrupted) {
          fate.octet = static_cast<uint32_t>(std::min<size_t>(fault.octet, octets - 1));
        }
        break;
      case FaultKind::kCount: break;
    }
  }
}

void Faults::count(const Fate& fate) {
  const auto add = [&](FaultKind kind, bool happened) {
    counts_.of[static_cast<size_t>(kind)] += happened ? 1 : 0;
  };
  add(FaultKind::Lose, fate.lost());
  add(FaultKind::Duplicate, fate.copies == 2);
  add(FaultKind::Reorder, fate.reordered);
  add(FaultKind::Corrupt, fate.corrupted);
}

}  // namespace rapport
