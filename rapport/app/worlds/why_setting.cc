// Setting a question's world up, and measuring what a stack holds.
#include "rapport/app/worlds/why_setting.hh"

#include "rapport/app/demo_stage.hh"
#include "rapport/sim/world.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/connection.hh"
#include "rapport/tcp/rules.hh"
#include "rapport/tcp/transfer.hh"

#include <cstdint>
#include <optional>

namespace rapport::app {

DemoSettings setting_of(uint64_t seed) {
  DemoSettings s;
  s.seed = seed;
  return s;
}

sim::WorldConfig without(Stage& stage, std::optional<tcp::Rule> rule, Side side) {
  sim::WorldConfig config;
  if (side == Side::With) return config;
  config.abort_on_complaint = false;
  if (!rule) return config;
  for (uint32_t h = 0; h < stage.hosts(); ++h) stage.config(h).tcp.without.switch_off(*rule);
  return config;
}

uint64_t memory_held(const stack::Stack& stack) {
  constexpr uint64_t block = tcp::kBlockOctets;
  const stack::Stack::Population p = stack.population();
  return p.connections * sizeof(tcp::Connection) + p.half_open * sizeof(tcp::HalfOpen)
         + p.time_wait * sizeof(tcp::TimeWait) + p.transfers * sizeof(tcp::Transfer)
         + p.extras * sizeof(tcp::Extras) + p.blocks * block;
}

uint64_t slots_held(const stack::Stack& stack) {
  const stack::Stack::Population p = stack.population();
  return uint64_t{p.connections} + p.half_open + p.time_wait;
}

}  // namespace rapport::app
