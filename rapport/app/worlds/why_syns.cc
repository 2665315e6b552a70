// Old SYNs, with and without the third segment.
#include "rapport/app/worlds/why_syns.hh"

#include "rapport/app/demo_stage.hh"
#include "rapport/app/worlds/why_question.hh"
#include "rapport/app/worlds/why_setting.hh"
#include "rapport/base/address.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/sim/craft.hh"
#include "rapport/socket/coroutine/stream.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/counters.hh"
#include "rapport/tcp/rules.hh"
#include "rapport/wire/tcp.hh"

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace rapport::app {

namespace {

using coroutine::Stream;

constexpr std::string_view kGreeting = "220 ready\r\n";

struct Moment {
  std::string_view words;
  Duration after;
};

constexpr std::array kMoments{
    Moment{"after 1 s", 1_s},      Moment{"after 1 min", 60_s}, Moment{"after 5 min", 300_s},
    Moment{"after 15 min", 900_s}, Moment{"after 1 h", 3600_s},
};

Task<> greet_and_wait(Stream accepted) {
  Stream stream = std::move(accepted);
  auto greeting = write_text(stream, kGreeting);
  (void)co_await greeting;
  auto reading = read_to_end(stream);
  (void)co_await reading;
}

struct Held {
  std::vector<uint64_t> memory;  // at each of kMoments
  uint64_t greeted = 0;
};

Held hold(uint64_t seed, Side side) {
  Stage s(setting_of(seed));
  s.keep_packets = false;
  s.raise(without(s, tcp::Rule::ThirdSegment, side));
  s.host(kServer).spawn(serve_all(s, greet_and_wait));
  s.world().settle();  // the listener is there before the first SYN
  const Endpoint gone{IpAddress::v4(10, 0, 0, 99), kClientPort};  // no host of this world
  for (uint32_t n = 0; n < kOldSyns; ++n) {
    wire::SegmentHead head;
    head.seq = Seq{n * 1'000'003U};
    head.flags = wire::kSyn;
    head.window = 65'535;
    const Endpoint from{gone.address, static_cast<uint16_t>(gone.port + n)};
    const auto packet = sim::craft_segment(from, Stage::at(kServer, kServerPort), head);
    s.world().inject(kClient, kServer, packet, s.world().now() + s.way());
  }
  Held out;
  for (const Moment& m : kMoments) {
    s.world().run_until(Instant{} + m.after);
    out.memory.push_back(memory_held(s.world().stack(kServer)));
  }
  out.greeted = s.world().stack(kServer).counters().octets_sent;
  return out;
}

}  // namespace

OldSyns old_syns(uint64_t seed) {
  const Held with = hold(seed, Side::With);
  const Held without = hold(seed, Side::Without);
  OldSyns out;
  out.greeted = without.greeted;
  out.memory = {"memory_over_time",
                fmt::format("{} old SYNs of clients that are gone (set up by us): octets that the "
                            "server's stack holds",
                            kOldSyns),
                Unit::Octets,
                {"with the rule", "without"},
                {}};
  for (size_t i = 0; i < kMoments.size(); ++i) {
    out.memory.rows.push_back(
        {std::string(kMoments.at(i).words), {with.memory[i], without.memory[i]}});
  }
  return out;
}

}  // namespace rapport::app
