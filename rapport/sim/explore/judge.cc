// The ends' agreement as their programs see it: while no host has crashed and nobody gives up,
// both hear all of each other and part in peace, whatever the wire does.
#include "rapport/sim/explore/judge.hh"

#include "rapport/base/build.hh"
#include "rapport/base/reason.hh"
#include "rapport/sim/explore/trial.hh"
#include "rapport/socket/coroutine/channel.hh"
#include "rapport/tcp/rules.hh"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace rapport::sim::explore {

namespace {

Tuple tuple_of(const Line& line) {
  const Tuple client{kClientAt, kServerAt};
  return line.host == kClient ? client : client.mirror();
}

// A template, so that what is not built is not looked at either.
template <class Switches>
std::vector<Invariant> wordings(const Switches& without) {
  std::vector<Invariant> out;
  if constexpr (kRuleSwitches) {
    using tcp::Rule;
    if (without == Switches{}) return out;
    // The state diagram and the legal bits are where the rules stand.
    out = {Invariant::TwoHalves, Invariant::LegalNumbers, Invariant::RstAllowed};
    // How long TIME-WAIT lasts is the rule; that a reset must not end it, is what 1337 is about.
    const bool shortened = without.is_off(Rule::TimeWait) || without.is_off(Rule::FullTimeWait);
    if (shortened) out.push_back(Invariant::TimeWaitLength);
    // Who answers before the handshake is over does not know yet what window he was offered.
    if (without.is_off(Rule::ThirdSegment)) out.push_back(Invariant::WithinWindow);
    // Between the two halves of a SYN,ACK nobody but the passive end has a timer.
    if (without.is_off(Rule::MergedSynAck)) out.push_back(Invariant::TimerOrDebt);
  } else {
    (void)without;
  }
  return out;
}

}  // namespace

std::vector<Invariant> not_asked(const decltype(tcp::Config::without)& without) {
  return wordings(without);
}

Judge::Judge(World& world, const Setup& setup)
    : scenario_(setup.scenario),
      text_(setup.shape.text),
      only_text_(setup.only_text),
      invariants_(world) {
  for (const Invariant i : not_asked(setup.without)) invariants_.leave_out(i);
  if (only_text_) invariants_.watch_only({Invariant::BytesInOrder});
  world.observe(invariants_);
}

// The server comes to know of it last. Without the third segment it is ESTABLISHED before the
// client knows its number, so that a client that still waits for it is as good.
void Judge::opened(const Line& line) {
  if (line.host != kServer || line.partner >= 0) return;
  const auto waits = [&](const Incarnation& life) {
    return life.host == kClient && !life.ended && life.iss == line.irs
           && (!life.irs || life.irs == line.iss);
  };
  if (std::ranges::any_of(invariants_.lives(), waits)) return;
  invariants_.note(Invariant::Agreement, line.host,
                   "the server is ESTABLISHED with a connection that the client never had");
}

void Judge::wrote(const Line& line) {
  const std::vector<uint8_t> text(line.length, line.octet);
  invariants_.wrote(line.host, tuple_of(line), text);
}

void Judge::read(const Line& line, uint8_t octet) {
  invariants_.read(line.host, tuple_of(line), {&octet, 1});
  if (!only_text_ || !is_strange(programs_->lines(), line, line.heard.size() - 1)) return;
  invariants_.note(Invariant::BytesInOrder, line.host,
                   "an octet is read that nobody wrote in this connection");
}

void Judge::check_line(const Line& line) {
  const bool parts = scenario_ >= Scenario::Close;
  if (line.error) {
    invariants_.note(Invariant::Agreement, line.host,
                     "its connection fails: " + std::string(name(*line.error)));
  } else if (parts && line.at == Line::At::Ended && !coroutine::is_graceful(line.reason)) {
    invariants_.note(Invariant::Agreement, line.host,
                     "its connection ends badly: " + std::string(name(line.reason)));
  }
}

void Judge::look() {
  if (crashed_ || breach()) return;
  for (const Line& line : programs_->lines()) check_line(line);
}

void Judge::ended() {
  look();
  invariants_.all_is_quiet();
  if (crashed_) return;
  const bool octets = scenario_ != Scenario::Open && scenario_ != Scenario::Close;
  for (const Line& line : programs_->lines()) {
    if (line.partner < 0) {
      invariants_.note(Invariant::Agreement, line.host, "its connection has no other end");
    } else if (octets && line.heard.size() != (line.host == kServer ? text_ : 1)) {
      invariants_.note(Invariant::BytesInOrder, line.host,
                       "the other end's octet was written, but never read");
    }
  }
}

void Judge::dead_end() {
  invariants_.all_is_quiet();
  invariants_.note(Invariant::Liveness, kNoHost,
                   "nothing more will happen, but not every connection has ended");
}

void Judge::never_rests(uint32_t steps) {
  invariants_.note(Invariant::Liveness, kNoHost,
                   "after " + std::to_string(steps) + " instants it still does not rest");
}

void Judge::all_is_over(bool idle) {
  if (!idle) {
    invariants_.note(Invariant::Liveness, kNoHost, "all is closed, but it never becomes idle");
  }
  invariants_.all_is_over();
}

}  // namespace rapport::sim::explore
