// Why questions about closing that nobody has to search a world for: an application's own fault.
#include "rapport/app/demo_stage.hh"
#include "rapport/app/worlds/why_question.hh"
#include "rapport/app/worlds/why_setting.hh"
#include "rapport/base/time.hh"
#include "rapport/observe/facts.hh"
#include "rapport/observe/names.hh"
#include "rapport/observe/story.hh"
#include "rapport/sim/world.hh"
#include "rapport/socket/coroutine/opening.hh"
#include "rapport/socket/coroutine/stream.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/state.hh"

#include <array>
#include <cstdint>
#include <list>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace rapport::app {

namespace {

using coroutine::Stream;
using observe::Facts;
using observe::length_words;
using enum tcp::State;

// --- close-wait-leak ---

constexpr uint32_t kVisits = 100;      // one a second
constexpr uint32_t kServerSlots = 64;  // that the server's stack may hold

enum class Habit : uint8_t { Closes, Forgets, ForgetsButAsks };  // asks: keep-alive

struct Leak {
  Habit habit = Habit::Closes;
  uint64_t served = 0;          // clients who read an answer
  std::list<Stream> forgotten;  // by the server's application
};

struct Moment {
  const char* words;
  Duration after;
};

constexpr std::array kMoments{
    Moment{"after 10 s", 10_s},      Moment{"after 1 min", 60_s}, Moment{"after 2 min", 120_s},
    Moment{"after 5 min", 300_s},    Moment{"after 1 h", 3600_s}, Moment{"after 2 h 5 min", 7500_s},
    Moment{"after a day", 86'400_s},
};

struct Held {
  std::vector<uint64_t> server, client;            // slots at each of kMoments
  uint64_t served = 0, memory = 0;                 // memory: of the server's stack, after a day
  std::optional<Duration> close_wait, fin_wait_2;  // the first connection's
  Run run;
};

// Answers one client. What it forgets is kept open.
Task<> answer_one(Leak& leak, Stream accepted) {
  Stream stream = std::move(accepted);
  auto hearing = read_text(stream);
  (void)co_await hearing;
  auto answering = write_text(stream, "answer");
  (void)co_await answering;
  auto reading = read_to_end(stream);
  (void)co_await reading;
  if (leak.habit == Habit::Closes) {
    (void)stream.close();
  } else {
    leak.forgotten.push_back(std::move(stream));
  }
}

Task<> answer_all(Stage& s, Leak& leak) {
  coroutine::ListenOptions options;
  options.options.emplace();
  options.options->keep_alive = leak.habit == Habit::ForgetsButAsks;
  coroutine::Listener* listener = s.listen(kServer, kServerPort, options);
  if (listener == nullptr) co_return;
  while (true) {
    auto accepting = accept_one(*listener);
    auto stream = co_await accepting;
    if (!stream) co_return;
    s.host(kServer).spawn(answer_one(leak, std::move(stream)));
  }
}

Task<> visit(Stage& s, Leak& leak, uint32_t n) {
  auto waiting = s.host(kClient).sleep(static_cast<int64_t>(n) * 1_s);
  co_await waiting;
  coroutine::ConnectOptions options;
  options.local_port = static_cast<uint16_t>(kClientPort + n);
  auto opening = open_to(s, kClient, Stage::at(kServer, kServerPort), options);
  auto stream = co_await opening;
  if (!stream) co_return;
  auto asking = write_text(stream, "question");
  (void)co_await asking;
  auto reading = read_text(stream);
  const bool read = co_await reading;
  if (read) ++leak.served;
  (void)stream.close();
}

Held leak_for_a_day(uint64_t seed, Habit habit) {
  Stage s(setting_of(seed));
  Leak leak;
  leak.habit = habit;
  s.config(kServer).tcp.max_connections = kServerSlots;
  s.raise();
  s.host(kServer).spawn(answer_all(s, leak));
  s.world().settle();  // the listener is there before the first SYN
  for (uint32_t n = 0; n < kVisits; ++n) s.host(kClient).spawn(visit(s, leak, n));
  Held out;
  for (const Moment& m : kMoments) {
    s.world().run_until(Instant{} + m.after);
    out.server.push_back(s.world().stack(kServer).population().connections);
    out.client.push_back(slots_held(s.world().stack(kClient)));
  }
  out.served = leak.served;
  out.memory = memory_held(s.world().stack(kServer));
  out.run = run_of(s);
  out.run.keep_only(kClient, kClientPort);
  const observe::Story story = out.run.story();
  const Facts facts(story);
  out.close_wait = facts.stay(kServer, CloseWait);
  out.fin_wait_2 = facts.stay(kClient, FinWait2);
  return out;
}

Table slots_over_time(const Held& closes, const Held& forgets, const Held& asks) {
  Table t{"slots_over_time",
          fmt::format("Slots held over time; the server has {}", kServerSlots),
          Unit::Number,
          {"closes", "never closes", "and keep-alive"},
          {}};
  for (size_t i = 0; i < kMoments.size(); ++i) {
    t.rows.push_back({fmt::format("the server, {}", kMoments.at(i).words),
                      {closes.server[i], forgets.server[i], asks.server[i]}});
  }
  for (size_t i = 0; i < kMoments.size(); ++i) {
    t.rows.push_back({fmt::format("its clients, {}", kMoments.at(i).words),
                      {closes.client[i], forgets.client[i], asks.client[i]}});
  }
  return t;
}

// To the second.
Duration rounded(Duration d) {
  return (d + 500_ms).to_s() * 1_s;
}

Answer answer_leak(const Asking& asking) {
  const uint64_t seed = asking.seed;
  Held closes = leak_for_a_day(seed, Habit::Closes);
  Held forgets = leak_for_a_day(seed, Habit::Forgets);
  const Held asks = leak_for_a_day(seed, Habit::ForgetsButAsks);
  Answer a;
  a.origin = fmt::format(
      "We set this world up, for the fault is an application's, not TCP's: {} clients, one a "
      "second, "
      "ask and close; the ladders show the first.",
      kVisits);
  a.with_title = "The server's application closes what it has read to the end";
  a.without_title = "It never closes";
  a.with_column = "closes";
  a.without_column = "never closes";
  a.figures = {
      {"slots_after_a_day", "slots of the server held a day later", Unit::Number,
       closes.server.back(), forgets.server.back()},
      {"memory_after_a_day", "octets that its stack holds for them", Unit::Number, closes.memory,
       forgets.memory},
      {"turned_away", fmt::format("clients of {} who got no answer", kVisits), Unit::Number,
       kVisits - closes.served, kVisits - forgets.served},
  };
  a.tables = {slots_over_time(closes, forgets, asks)};
  a.shown = closes.server.back() == 0 && forgets.server.back() > 0 && asks.server.back() == 0
            && forgets.served < kVisits;
  a.sentences = {fmt::format(
      "A FIN closes one direction only, and how long the other stays open is the "
      "application's business (RFC 9293 3.6): no timer ends CLOSE-WAIT, so {} were still "
      "held after a day, and once all {} were taken, {} clients found nobody.",
      observe::counted(forgets.server.back(), "slot"), kServerSlots, kVisits - forgets.served)};
  if (forgets.fin_wait_2) {
    a.sentences.push_back(fmt::format(
        "The clients notice first: their applications had closed for good, so each client's stack "
        "gave up FIN-WAIT-2 after {} (RFC 9293 knows no such limit, but stacks have one).",
        length_words(rounded(*forgets.fin_wait_2))));
  }
  if (asks.close_wait) {
    a.sentences.push_back(fmt::format(
        "The server's stack can only notice by asking: with keep-alive (RFC 9293 3.8.4, off unless "
        "the application wants it) its first probe met nobody, drew an RST and freed the slot "
        "after "
        "{}. The cure is close().",
        length_words(rounded(*asks.close_wait))));
  }
  a.with = std::move(closes.run);
  a.without = std::move(forgets.run);
  return a;
}

constexpr std::array kQuestions{
    Question{"close-wait-leak", "why must an application close what it has read to the end?",
             std::nullopt, answer_leak},
};

}  // namespace

std::span<const Question> close_questions() {
  return kQuestions;
}

}  // namespace rapport::app
