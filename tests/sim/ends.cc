// Opening, talking and parting, one coroutine each.
#include "ends.hh"

#include "plan.hh"
#include "rapport/base/random.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/sim/world.hh"
#include "rapport/socket/coroutine/host.hh"
#include "rapport/socket/coroutine/opening.hh"
#include "rapport/socket/coroutine/stream.hh"
#include "rapport/socket/coroutine/task.hh"
#include "rapport/socket/coroutine/timeout.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace rapport::random_lives {

namespace {

using coroutine::Task;

// Longer than any handshake: SYN and SYN-ACK give up before.
constexpr Duration kHandshake = 400_s;

// The octet at `offset` of a stream; neighbours, and equal places of other streams, differ.
uint8_t octet(uint64_t stream, uint32_t offset) {
  uint64_t x = (stream << 32 | offset) * 0x9e3779b97f4a7c15ULL;
  x ^= x >> 29;
  return static_cast<uint8_t>((x * 0xbf58476d1ce4e5b9ULL) >> 56);
}

Duration drawn(Random& r, Duration most) {
  return Duration{int64_t{r.below(static_cast<uint32_t>(most.to_us()) + 1)} * 1'000};
}

Task<> pause(End& e, Duration most) {
  const Duration time = drawn(e.random, most);
  if (time == Duration{}) co_return;
  auto sleeping = e.host->sleep(time);
  co_await sleeping;
}

Task<> writes(End& e) {
  std::vector<uint8_t> chunk;
  while (e.stream && e.sent < e.plan.octets) {
    chunk.resize(std::min(e.plan.write_chunk, e.plan.octets - e.sent));
    for (uint32_t i = 0; i < chunk.size(); ++i) chunk[i] = octet(e.writes_stream, e.sent + i);
    const bool urgent = e.plan.urgent_every > 0 && ++e.chunks % e.plan.urgent_every == 0;
    e.watch->wrote(e.id, e.tuple, chunk);
    auto writing = urgent ? e.stream.write_urgent(chunk) : e.stream.write(chunk);
    const auto written = co_await writing;
    if (!written) {
      e.write_error = written.error();
      break;
    }
    e.sent += static_cast<uint32_t>(*written);
    auto pausing = pause(e, e.plan.write_pause);
    co_await pausing;
  }
  if (e.stream && !e.write_error && e.plan.style <= Style::Tidy) {
    const auto shut = e.stream.shutdown();
    if (!shut) e.write_error = shut.error();
  }
  e.written.open();
}

Task<> reads(End& e) {
  std::vector<uint8_t> into(e.plan.read_chunk);
  auto napping = pause(e, e.plan.nap);
  co_await napping;
  while (e.stream) {
    auto reading = e.stream.read(into);
    const auto got = co_await reading;
    if (!got) {
      e.read_error = got.error();
      break;
    }
    if (*got == 0) {
      e.end_of_file = true;
      break;
    }
    e.watch->read(e.id, e.tuple, std::span(into).first(*got));
    for (uint32_t i = 0; i < *got; ++i) {
      e.wrong_octet |= into[i] != octet(e.reads_stream, e.received + i);
    }
    e.received += static_cast<uint32_t>(*got);
    auto pausing = pause(e, e.plan.read_pause);
    co_await pausing;
  }
  e.finished_reading.open();
}

Task<> waits_for_the_end(End& e) {
  auto closing = e.stream.closed();
  const auto reason = co_await closing;
  if (reason) {
    e.reason = *reason;
    e.knows_reason = true;
  }
}

Task<> waits(End& e, bool for_reader) {
  auto writer = e.written.wait(*e.host);
  (void)co_await writer;
  if (!for_reader) co_return;
  auto reader = e.finished_reading.wait(*e.host);
  (void)co_await reader;
}

Task<> parts(End& e) {
  switch (e.plan.style) {
    case Style::Polite:
    case Style::Tidy:
    case Style::Follower: {
      auto both = waits(e, true);
      co_await both;
      if (e.plan.style != Style::Polite || e.read_error || e.write_error)
        std::ignore = e.stream.close();
      break;
    }
    case Style::Impatient: {
      auto writer = waits(e, false);
      co_await writer;
      auto sleeping = e.host->sleep(e.plan.patience);
      co_await sleeping;
      std::ignore = e.stream.close();
      break;
    }
    case Style::Aborter: {
      auto sleeping = e.host->sleep(e.plan.patience);
      co_await sleeping;
      std::ignore = e.stream.abort();
      break;
    }
    case Style::Dropper: {
      auto sleeping = e.host->sleep(e.plan.patience);
      co_await sleeping;
      e.stream = {};
      break;
    }
  }
  if (e.stream && e.plan.style == Style::Polite) {
    auto end = waits_for_the_end(e);
    co_await end;
  }
  e.ended = true;
}

void talks(End& e) {
  e.opened = true;
  e.host->spawn(writes(e));
  e.host->spawn(reads(e));
  e.host->spawn(parts(e));
}

Task<> connects(Talk& talk, size_t self) {
  End& e = talk.ends[self];
  auto sleeping = e.host->sleep(e.plan.start);
  co_await sleeping;
  coroutine::ConnectOptions options;
  options.local_port = talk.plan.port[self];
  options.options = e.plan.options;
  auto connecting = e.host->connect(talk.at[1 - self], options);
  auto stream = co_await connecting;
  if (!stream) {
    e.open_error = stream.error();
    e.ended = true;
    co_return;
  }
  e.stream = std::move(*stream);
  talks(e);
}

Task<> accepts(Talk& talk, size_t self) {
  End& e = talk.ends[self];
  coroutine::ListenOptions options;
  options.options = e.plan.options;
  auto listener = e.host->listen(talk.plan.port[self], options);
  if (!listener) {
    e.open_error = listener.error();
    e.ended = true;
    co_return;
  }
  auto accepting = coroutine::with_timeout(*e.host, kHandshake, listener->accept());
  auto stream = co_await accepting;
  if (!stream) {
    e.open_error = stream.error();
    e.ended = true;
    co_return;
  }
  e.stream = std::move(*stream);
  talks(e);
}

}  // namespace

std::string End::to_string() const {
  const auto error = [](const std::optional<Error>& e) {
    return e ? std::string(name(*e)) : std::string("none");
  };
  return std::string(opened ? "opened" : "never opened") + (ended ? ", ended" : ", NOT ENDED")
         + ", sent " + std::to_string(sent) + ", received " + std::to_string(received)
         + (end_of_file ? " to the end of file" : "") + ", errors: open " + error(open_error)
         + ", write " + error(write_error) + ", read " + error(read_error) + ", reason "
         + (knows_reason ? std::string(name(reason)) : std::string("not known"));
}

void begin(Talk& talk, sim::World& world, sim::Invariants& watch, const Plan& plan) {
  const uint64_t seed = plan.seed * 1000 + talk.plan.port[0];
  for (uint32_t i = 0; i < 2; ++i) {
    End& e = talk.ends[i];
    e.host = &world.host(i);
    e.plan = talk.plan.ends[i];
    talk.at[i] = {plan.hosts[i].interfaces[0].addresses[0].address, talk.plan.port[i]};
    e.random = Random(seed + i);
    e.writes_stream = seed + i;
    e.reads_stream = seed + 1 - i;
    e.id = i;
    e.watch = &watch;
  }
  for (uint32_t i = 0; i < 2; ++i) {
    End& e = talk.ends[i];
    e.tuple = {talk.at[i], talk.at[1 - i]};
    const bool active = talk.plan.opening == Opening::Together
                        || (talk.plan.opening == Opening::ByFirst) == (i == 0);
    e.host->spawn(active ? connects(talk, i) : accepts(talk, i));
  }
}

}  // namespace rapport::random_lives
