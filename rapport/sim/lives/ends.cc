// Opening, talking and parting, one coroutine each.
#include "rapport/sim/lives/ends.hh"

#include "rapport/base/address.hh"
#include "rapport/base/random.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/sim/invariants.hh"
#include "rapport/sim/lives/plan.hh"
#include "rapport/sim/world.hh"
#include "rapport/socket/coroutine/host.hh"
#include "rapport/socket/coroutine/opening.hh"
#include "rapport/socket/coroutine/stream.hh"
#include "rapport/socket/coroutine/task.hh"
#include "rapport/socket/coroutine/timeout.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace rapport::lives {

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
    for (uint32_t i = 0; i < chunk.size(); ++i) chunk[i] = octet(e.stream_number, e.sent + i);
    const bool urgent = e.plan.urgent_every > 0 && ++e.chunks % e.plan.urgent_every == 0;
    e.watch->wrote(e.id, e.tuple, chunk);
    auto writing = urgent ? e.stream.write_urgent(chunk) : e.stream.write(chunk);
    const auto written = co_await writing;
    if (!written) {
      e.write_error = written.error();
      e.watch->gave_up_writing(e.tuple);
      break;
    }
    e.sent += static_cast<uint32_t>(*written);
    auto pausing = pause(e, e.plan.write_pause);
    co_await pausing;
  }
  const bool shuts = e.plan.style <= Style::Tidy || e.plan.style == Style::Brusque;
  if (e.stream && !e.write_error && shuts) {
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
    case Style::Brusque: {
      auto writer = waits(e, false);
      co_await writer;
      auto sleeping = e.host->sleep(e.plan.patience);
      co_await sleeping;
      std::ignore = e.stream.abort();
      break;
    }
    case Style::Hasty: {
      auto sleeping = e.host->sleep(e.plan.patience);
      co_await sleeping;
      if (e.plan.aborts) {
        std::ignore = e.stream.abort();
      } else {
        std::ignore = e.stream.close();
      }
      break;
    }
  }
  if (e.stream && e.plan.style == Style::Polite) {
    auto end = waits_for_the_end(e);
    co_await end;
  }
  e.ended = true;
  e.done.open();
}

void talks(End& e, coroutine::Stream stream) {
  e.stream = std::move(stream);
  e.opened = true;
  if (const auto s = e.stream.status()) e.tuple = {s->local, s->remote};
  e.watch->chose(e.tuple, e.plan.options);
  e.host->spawn(writes(e));
  e.host->spawn(reads(e));
  e.host->spawn(parts(e));
}

void fails(End& e, Error error) {
  e.open_error = error;
  e.ended = true;
  e.done.open();
}

struct Opens {
  Endpoint remote;
  uint16_t local_port = 0;  // 0: ephemeral
};

// Without waiting for the handshake, and gone before or soon after.
Task<> opens_hastily(End& e, Opens o) {
  stack::Stack& stack = e.host->stack();
  tcp::Connect connect;
  connect.remote = o.remote;
  connect.local_port = o.local_port;
  connect.options = &e.plan.options;
  const auto handle = stack.command(connect, e.host->now());
  if (!handle) co_return fails(e, handle.error());
  e.raw = *handle;
  if (const auto s = stack.command(tcp::GetStatus{*handle}, e.host->now())) {
    e.tuple = {s->local, s->remote};
  }
  auto moment = e.host->sleep(1_us);
  co_await moment;
  if (e.plan.octets % 2 == 1) {
    const std::vector<uint8_t> text(std::min(e.plan.octets, 100U), octet(e.stream_number, 0));
    e.watch->wrote(e.id, e.tuple, text);
    const auto sent = stack.command(tcp::Send{*handle, text}, e.host->now());
    if (sent) e.sent = sent->v;
  }
  auto sleeping = e.host->sleep(e.plan.patience);
  co_await sleeping;
  if (e.plan.aborts) {
    std::ignore = stack.command(tcp::Abort{*handle}, e.host->now());
  } else {
    std::ignore = stack.command(tcp::Close{*handle}, e.host->now());
  }
  e.raw = {};
  e.ended = true;
  e.done.open();
}

Task<> opens(End& e, Opens o) {
  auto sleeping = e.host->sleep(e.plan.start);
  co_await sleeping;
  if (e.plan.style == Style::Hasty) {
    auto hasty = opens_hastily(e, o);
    co_await hasty;
    co_return;
  }
  coroutine::ConnectOptions options;
  options.local_port = o.local_port;
  options.options = e.plan.options;
  auto connecting = e.host->connect(o.remote, options);
  auto stream = co_await connecting;
  if (!stream) co_return fails(e, stream.error());
  talks(e, std::move(*stream));
}

Task<> waits_between(Talk& talk, End& e, size_t round) {
  auto done = e.done.wait(*e.host);
  (void)co_await done;
  if (round + 1 == talk.rounds.size()) co_return;
  auto sleeping = e.host->sleep(talk.plan.between);
  co_await sleeping;
}

Task<> connects(Talk& talk, size_t self) {
  for (size_t round = 0; round < talk.rounds.size(); ++round) {
    End& e = talk.rounds[round][self];
    e.begun = true;
    auto opening = opens(e, {talk.at[1 - self], talk.plan.port[self]});
    co_await opening;
    auto between = waits_between(talk, e, round);
    co_await between;
  }
}

Task<> accepts(Talk& talk, size_t self) {
  coroutine::ListenOptions options;
  options.options = talk.plan.ends[self].options;
  auto listener = talk.rounds[0][self].host->listen(talk.plan.port[self], options);
  for (size_t round = 0; round < talk.rounds.size(); ++round) {
    End& e = talk.rounds[round][self];
    e.begun = true;
    if (!listener) co_return fails(e, listener.error());
    auto accepting = coroutine::with_timeout(*e.host, kHandshake, listener->accept());
    auto stream = co_await accepting;
    if (!stream) co_return fails(e, stream.error());
    talks(e, std::move(*stream));
    if (round + 1 == talk.rounds.size()) co_return;
    auto between = waits_between(talk, e, round);
    co_await between;
  }
}

End& make_end(End& e, sim::HostId id, sim::World& world, sim::Invariants& watch, uint64_t number) {
  e.host = &world.host(id);
  e.watch = &watch;
  e.id = id;
  e.random = Random(number);
  e.stream_number = number;
  return e;
}

Task<> accepts_all(Crowd& crowd, sim::World& world, sim::Invariants& watch, uint64_t seed) {
  const sim::HostId id = crowd.plan.server;
  coroutine::Host& host = world.host(id);
  Random random(seed);
  for (uint64_t n = 1;; ++n) {
    const Duration time = drawn(random, crowd.plan.accept_pause);
    auto sleeping = host.sleep(time);
    co_await sleeping;
    auto accepting = crowd.listener.accept();
    auto stream = co_await accepting;
    if (!stream) co_return;
    End& e = make_end(crowd.served.emplace_back(), id, world, watch, seed + n);
    e.plan = crowd.plan.served;
    e.begun = true;
    talks(e, std::move(*stream));
  }
}

Task<> closes_shop(Crowd& crowd, coroutine::Host& host) {
  auto sleeping = host.sleep(crowd.plan.closes_after);
  co_await sleeping;
  std::ignore = crowd.listener.close();
}

Task<> visits(Crowd& crowd, End& e, Duration after) {
  e.begun = true;
  auto sleeping = e.host->sleep(after);
  co_await sleeping;
  auto opening = opens(e, {crowd.at, 0});
  co_await opening;
}

uint64_t number_of(const Plan& plan, uint16_t port) {
  return plan.seed * 100'000 + port;
}

}  // namespace

std::string End::to_string() const {
  const auto error = [](const std::optional<Error>& e) {
    return e ? std::string(name(*e)) : std::string("none");
  };
  return std::string(opened ? "opened" : "never opened") + (ended ? ", ended" : ", NOT ENDED")
         + (crashed ? ", its host crashed" : "") + ", sent " + std::to_string(sent) + ", received "
         + std::to_string(received) + (end_of_file ? " to the end of file" : "") + ", errors: open "
         + error(open_error) + ", write " + error(write_error) + ", read " + error(read_error)
         + ", reason " + (knows_reason ? std::string(name(reason)) : std::string("not known"));
}

void begin(Talk& talk, sim::World& world, sim::Invariants& watch, const Plan& plan) {
  for (size_t i = 0; i < 2; ++i) {
    const stack::Config& host = plan.hosts[talk.plan.hosts[i]].stack;
    talk.at[i] = {host.interfaces[0].addresses[0].address, talk.plan.port[i]};
  }
  talk.rounds.resize(talk.plan.rounds);
  const uint64_t number = number_of(plan, talk.plan.port[0]) * 100;
  for (size_t round = 0; round < talk.rounds.size(); ++round) {
    for (size_t i = 0; i < 2; ++i) {
      End& e =
          make_end(talk.rounds[round][i], talk.plan.hosts[i], world, watch, number + 2 * round + i);
      e.plan = talk.plan.ends[i];
      if (round > 0) e.plan.start = {};
    }
  }
  for (size_t i = 0; i < 2; ++i) {
    watch.chose({talk.at[i], talk.at[1 - i]}, talk.plan.ends[i].options);
    const bool active = talk.plan.opening == Opening::Together
                        || (talk.plan.opening == Opening::ByFirst) == (i == 0);
    world.host(talk.plan.hosts[i]).spawn(active ? connects(talk, i) : accepts(talk, i));
  }
}

void serve(Crowd& crowd, sim::World& world, sim::Invariants& watch, const Plan& plan) {
  coroutine::Host& host = world.host(crowd.plan.server);
  coroutine::ListenOptions options;
  options.backlog = crowd.plan.backlog;
  options.options = crowd.plan.served.options;
  auto listener = host.listen(crowd.plan.port, options);
  if (!listener) return;
  crowd.listener = std::move(*listener);
  const uint64_t number = number_of(plan, crowd.plan.port) * 100 + crowd.served.size();
  host.spawn(accepts_all(crowd, world, watch, number));
  host.spawn(closes_shop(crowd, host));
}

void begin(Crowd& crowd, sim::World& world, sim::Invariants& watch, const Plan& plan) {
  const stack::Config& server = plan.hosts[crowd.plan.server].stack;
  crowd.at = {server.interfaces[0].addresses[0].address, crowd.plan.port};
  serve(crowd, world, watch, plan);
  const uint64_t number = number_of(plan, crowd.plan.port) * 1000;
  Random random(number);
  for (size_t i = 0; i < crowd.plan.clients.size(); ++i) {
    End& e =
        make_end(crowd.clients.emplace_back(), crowd.plan.clients[i], world, watch, number + i);
    e.plan = crowd.plan.client;
    const Duration after = drawn(random, crowd.plan.span);
    e.host->spawn(visits(crowd, e, after));
  }
}

}  // namespace rapport::lives
