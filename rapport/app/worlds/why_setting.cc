// Setting a question's world up, and measuring what a stack holds.
#include "rapport/app/worlds/why_setting.hh"

#include "rapport/app/demo_scenario.hh"
#include "rapport/app/demo_stage.hh"
#include "rapport/base/seq.hh"
#include "rapport/sim/world.hh"
#include "rapport/socket/coroutine/opening.hh"
#include "rapport/socket/coroutine/stream.hh"
#include "rapport/socket/coroutine/task.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/connection.hh"
#include "rapport/tcp/rules.hh"
#include "rapport/tcp/transfer.hh"

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

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

coroutine::ConnectOptions with_buffers(ByteCount octets) {
  coroutine::ConnectOptions o;
  o.options.emplace();
  o.options->send_buffer = octets;
  o.options->receive_buffer = octets;
  return o;
}

coroutine::Task<> serve_all(Stage& stage,
                            std::function<coroutine::Task<>(coroutine::Stream)> program) {
  coroutine::Listener* listener = stage.listen(kServer, kServerPort);
  if (listener == nullptr) co_return;
  while (true) {
    auto accepting = accept_one(*listener);
    auto stream = co_await accepting;
    if (!stream) co_return;
    stage.host(kServer).spawn(program(std::move(stream)));
  }
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
