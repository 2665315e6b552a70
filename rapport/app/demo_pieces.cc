// Pieces of programs and of sentences that several scenarios share.
#include "rapport/app/demo_scenario.hh"
#include "rapport/app/demo_stage.hh"
#include "rapport/base/address.hh"
#include "rapport/socket/coroutine/opening.hh"
#include "rapport/socket/coroutine/stream.hh"

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

namespace rapport::app {

Task<bool> write_text(coroutine::Stream& stream, std::string_view text) {
  const std::span octets(reinterpret_cast<const uint8_t*>(text.data()), text.size());
  auto writing = stream.write(octets);
  const auto written = co_await writing;
  co_return written.has_value();
}

Task<bool> read_text(coroutine::Stream& stream) {
  std::array<uint8_t, 2048> buffer{};
  auto reading = stream.read(buffer);
  const auto octets = co_await reading;
  co_return octets.has_value() && *octets > 0;
}

Task<bool> read_to_end(coroutine::Stream& stream) {
  std::array<uint8_t, 2048> buffer{};
  while (true) {
    auto reading = stream.read(buffer);
    const auto octets = co_await reading;
    if (!octets) co_return false;
    if (*octets == 0) co_return true;
  }
}

Task<coroutine::Stream> open_to(Stage& stage, uint32_t from, Endpoint to,
                                coroutine::ConnectOptions options) {
  auto connecting = stage.host(from).connect(to, options);
  auto connected = co_await connecting;
  co_return connected ? std::move(*connected) : coroutine::Stream{};
}

Task<coroutine::Stream> accept_one(coroutine::Listener& listener) {
  auto accepting = listener.accept();
  auto accepted = co_await accepting;
  co_return accepted ? std::move(*accepted) : coroutine::Stream{};
}

Task<> hear_out_and_close(Stage& stage, coroutine::ListenOptions options) {
  coroutine::Listener* listener = stage.listen(kServer, kServerPort, options);
  if (listener == nullptr) co_return;
  auto accepting = accept_one(*listener);
  auto stream = co_await accepting;
  if (!stream) co_return;
  auto reading = read_to_end(stream);
  (void)co_await reading;
  (void)stream.close();
}

Task<> wait_until_closed(coroutine::Stream& stream) {
  auto closing = stream.closed();
  (void)co_await closing;
}

void tell_detour(Telling& telling) {
  telling.say(
      "The faults that were asked for led this run another way; the ladder shows which. The same "
      "seed without them shows the scenario.");
}

}  // namespace rapport::app
