// Decisions about packets: dice of a fixed number a packet, and the script.
#include "rapport/base/faults.hh"

#include "rapport/base/random.hh"
#include "rapport/base/time.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
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

// Later packets lie further in front; of one packet's faults the one ordered first is the last.
void Faults::order(const ScriptedFault& fault) {
  const auto not_later = [&](const ScriptedFault& other) { return other.packet <= fault.packet; };
  script_.insert(std::ranges::find_if(script_, not_later), fault);
}

// Uniform in [0, plan.jitter], to the microsecond.
Duration Faults::jitter() {
  const int64_t most = std::clamp<int64_t>(plan_.jitter.to_us(), 0, UINT32_MAX - 1);
  return Duration{int64_t{random_.below(static_cast<uint32_t>(most) + 1)} * 1'000};
}

Verdict Faults::decide(size_t octets) {
  ++counts_.packets;
  Verdict verdict = dice(octets);
  obey_script(verdict, octets);
  if (verdict.lost()) verdict = Verdict{.copies = 0};
  count(verdict);
  return verdict;
}

Verdict Faults::dice(size_t octets) {
  Verdict verdict;
  const bool lost = random_.chance_ppm(plan_.loss_ppm);
  const bool duplicated = random_.chance_ppm(plan_.duplicate_ppm);
  verdict.reordered = random_.chance_ppm(plan_.reorder_ppm);
  verdict.corrupted = random_.chance_ppm(plan_.corrupt_ppm) && octets > 0;
  const uint64_t place = random_.next();
  verdict.delay[0] = plan_.delay + jitter();
  verdict.delay[1] = plan_.delay + jitter();
  verdict.copies = lost ? 0 : duplicated ? 2 : 1;
  if (verdict.reordered) verdict.delay[0] += plan_.reorder_delay;
  verdict.octet = static_cast<uint32_t>((place >> 32) * std::min<size_t>(octets, UINT32_MAX) >> 32);
  verdict.flip = static_cast<uint8_t>(1U << (place & 7));
  return verdict;
}

void Faults::obey_script(Verdict& verdict, size_t octets) {
  while (!script_.empty() && script_.back().packet <= counts_.packets) {
    const ScriptedFault fault = script_.back();
    script_.pop_back();
    if (fault.packet != counts_.packets) continue;  // ordered too late
    switch (fault.kind) {
      case FaultKind::Lose: verdict.copies = 0; break;
      case FaultKind::Duplicate:
        verdict.copies = std::min<uint8_t>(verdict.copies, 1) * 2;
        verdict.delay[1] = verdict.delay[0] + fault.by;
        break;
      case FaultKind::Reorder:
        verdict.reordered = true;
        verdict.delay[0] += fault.by == Duration{} ? plan_.reorder_delay : fault.by;
        break;
      case FaultKind::Corrupt:
        verdict.corrupted = octets > 0;
        if (fault.octet != ScriptedFault::kAnywhere && verdict.corrupted) {
          verdict.octet = static_cast<uint32_t>(std::min<size_t>(fault.octet, octets - 1));
        }
        break;
      case FaultKind::kCount: break;
    }
  }
}

void Faults::count(const Verdict& verdict) {
  const auto add = [&](FaultKind kind, bool happened) {
    counts_.of[static_cast<size_t>(kind)] += happened ? 1 : 0;
  };
  add(FaultKind::Lose, verdict.lost());
  add(FaultKind::Duplicate, verdict.copies == 2);
  add(FaultKind::Reorder, verdict.reordered);
  add(FaultKind::Corrupt, verdict.corrupted);
}

}  // namespace rapport
