// A script from its options to its verdict.
#include "rapport/play/player.hh"

#include "rapport/base/frame.hh"
#include "rapport/play/packet.hh"
#include "rapport/play/run.hh"
#include "rapport/play/script.hh"
#include "rapport/play/setup.hh"
#include "rapport/play/verdict.hh"
#include "rapport/stack/stack.hh"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace rapport::play {

namespace {

constexpr uint32_t kFrames = 2048;

std::string beyond_us(const TcpSegment& s) {
  if (s.psp_spi) return "PSP";
  if (s.udp_encapsulation) return "TCP in UDP";
  if (s.accurate_ecn || s.ecn_counter) return "accurate ECN";
  for (const TcpOption& o : s.options) {
    switch (o.kind) {
      case TcpOption::Kind::FastOpen:
      case TcpOption::Kind::FastOpenExp: return "TCP Fast Open";
      case TcpOption::Kind::Md5: return "TCP MD5";
      case TcpOption::Kind::AccurateEcn: return "accurate ECN";
      case TcpOption::Kind::Experimental: return "the option " + o.name;
      default: break;
    }
  }
  return {};
}

// What no stack of this kind can play, whatever its settings.
std::optional<SkipReason> beyond_us(const Script& script) {
  for (const Event& e : script.events) {
    const Packet* p = e.packet();
    if (p == nullptr) continue;
    if (!p->encapsulation.empty()) return SkipReason{"an outer header", p->place};
    if (const auto* tcp = std::get_if<TcpSegment>(&p->body)) {
      std::string what = beyond_us(*tcp);
      if (!what.empty()) return SkipReason{std::move(what), p->place};
    }
  }
  return std::nullopt;
}

Verdict skipped(SkipReason why) {
  Verdict v;
  v.kind = Verdict::Kind::Skip;
  v.reason = std::move(why.text);
  v.place = why.place;
  return v;
}

}  // namespace

FramePool& Workshop::frames(uint32_t octets) {
  auto& pool = pools_[octets];
  if (!pool) pool = std::make_unique<FramePool>(kFrames, octets);
  return *pool;
}

Verdict play(const Script& script, const PlayOptions& options, Workshop& workshop) {
  if (auto beyond = beyond_us(script)) return skipped(*std::move(beyond));
  const auto setup = set_up(script, options.strict_settings, options.options);
  if (!setup) return skipped(setup.error());
  // What a script injects may be larger than what the stack sends.
  FramePool& frames = workshop.frames(std::max(stack::buffer_size(setup->config), 2048U));
  Verdict v = Run(script, *setup, options, frames, false).play();
  if (v.kind == Verdict::Kind::Fail && options.ladder)
    v = Run(script, *setup, options, frames, true).play();
  if (v.kind != Verdict::Kind::Skip) v.assumed = setup->assumed;
  return v;
}

}  // namespace rapport::play
