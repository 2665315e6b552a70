// Invariants: what must hold in every world at every moment, whatever the wire does, each with a
// name and the clause that asks for it. It is told of everything that happens, believes nobody's
// account of himself where the other end's can be compared, and keeps the first breach. It changes
// nothing and ends nothing: who runs the world decides what a breach means.
// The table of all invariants is in law.cc; the checks are in invariants_*.cc.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/sim/incarnation.hh"
#include "rapport/sim/law.hh"  // IWYU pragma: export
#include "rapport/sim/oracle.hh"
#include "rapport/sim/patience.hh"
#include "rapport/sim/receiver.hh"
#include "rapport/sim/sender.hh"
#include "rapport/sim/world.hh"
#include "rapport/tcp/config.hh"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace rapport::sim {

struct Breach {
  Invariant which{};
  HostId host = kNoHost;  // kNoHost: of the world as a whole
  Instant at;             // of the world
  std::string words;

  // "t=…ns host 1: agreement (RFC …): words"
  [[nodiscard]] std::string to_string() const;
};

class Invariants final : public Observer {
 public:
  // `world` must outlive it. Attach it by world.observe() before the world runs; hosts may be added
  // later. Hosts whose trace is off are not judged, nor is what they sent.
  explicit Invariants(World& world);

  // The first breach of those that are watched.
  [[nodiscard]] const std::optional<Breach>& breach() const { return breach_; }

  // Which are watched: at first those of laws().
  void leave_out(Invariant i) { watched_ &= ~bit(i); }

  // Those of the models of one end, too. Before the world runs.
  void watch_models() { watched_ = (1U << kInvariants) - 1; }

  void watch_only(std::initializer_list<Invariant> some);

  // --- told by programs -------------------------------------------------------------------------
  // `octets` are about to be given to SEND, all of what is offered in this call and the ones that
  // go on with the rest. What the stack never takes is forgotten at the end of the connection. Not
  // in the same settling as the OPEN.
  void wrote(HostId host, const Tuple& tuple, std::span<const uint8_t> octets);
  // The program gives up: what it offered and the stack did not take is not written.
  void gave_up_writing(const Tuple& tuple);
  // RECEIVE has just given `octets`. To be told before the world settles.
  void read(HostId host, const Tuple& tuple, std::span<const uint8_t> octets);

  // The options of the connection between these sockets: of the present one, and of those to come.
  void chose(const Tuple& tuple, const tcp::ConnectionOptions& options);

  // --- told by who runs the world ---------------------------------------------------------------
  // A breach that he found himself: a program that never ends, a result that is wrong.
  void note(Invariant which, HostId host, const std::string& words);

  // What its settings say of host `h`, should its stack not have taken them so.
  void promise(HostId h, const tcp::Config& settings) { promised_[h] = settings; }

  // A host was told to drain: what is left at `deadline`, by its own clock, is aborted.
  void draining(HostId host, Instant deadline) { oracle_.set_drain(host, deadline); }

  // Nothing is on the way and no timer will change anything within the bounds that he has set:
  // both ends must agree. Called by itself when no timer runs in the whole world.
  void all_is_quiet();
  // Every program has ended and the world is idle: nothing may be left anywhere.
  void all_is_over();

  // --- asking -----------------------------------------------------------------------------------
  // Every life so far, in the order of their beginnings.
  [[nodiscard]] std::span<const Incarnation> lives() const { return lives_; }

  // The life with the mirrored numbers of `life`; nullptr when there never was one.
  [[nodiscard]] const Incarnation* mirror_of(const Incarnation& life) const;

  [[nodiscard]] const Oracle& oracle() const { return oracle_; }

  // --- Observer ---------------------------------------------------------------------------------
  void recorded(const HostRecord& record) override;
  void arrived(const WireRecord& wire) override;
  void settled(Instant now) override;
  void crashed(HostId host) override;

 private:
  static constexpr uint32_t bit(Invariant i) { return 1U << static_cast<uint32_t>(i); }

  // What is known of a host.
  struct Machine {
    uint32_t boots = 0;  // how often it has crashed
    Instant last{};      // the time of its last record
    bool known = false;  // its settings were taken
    bool ignores_rst = true;
    Duration max_rto{};
    Sender::Rules sender;
    Receiver::Rules receiver;
    Patience::Rules patience;
    std::map<uint16_t, int> listeners;        // by port
    uint32_t half_open = 0;                   // handshakes under way that its peers began
    std::vector<std::vector<SentNote>> sent;  // by boot and serial
  };

  // invariants.cc
  Machine& machine(HostId h);
  void learn(HostId h);
  void follow(const HostRecord& r, Place& place, const Tuple& tuple);
  void transition(const HostRecord& r, Place& place, const Tuple& tuple);
  void begin(const HostRecord& r, Place& place, const Tuple& tuple);
  void end(Place& place, tcp::Event event);
  void segment(const HostRecord& r, Place& place);
  void heard(const HostRecord& r, const TraceSegment& s, Place& place);
  void sent(const HostRecord& r, const TraceSegment& s, Place& place);
  void know_peer(Incarnation& life, const Place& place);
  [[nodiscard]] size_t mirror_index(const Incarnation& life) const;

  // invariants_models.cc
  void ask_models(const HostRecord& r, Place& place);
  static void tell_sender(const HostRecord& r, Sender& sender);
  void tell_patience(const HostRecord& r, Incarnation& life);
  void judge_close(const HostRecord& r, const Incarnation& life, Place& place);
  void judge_urgent();
  void judge_parting(const HostRecord& r, const Incarnation& life, Place& place);
  static void tell_receiver(const HostRecord& r, Receiver& receiver);

  // invariants_text.cc
  void take(Incarnation& life, const TraceSegment& s);
  [[nodiscard]] bool is_trusted(const Incarnation& life, const TraceSegment& s) const;
  [[nodiscard]] const SentNote* origin_of(const Incarnation& life, const TraceSegment& s) const;
  void check_ack(Incarnation& life, const TraceSegment& s);
  void call(const HostRecord& r, Place& place);
  void check_read(Incarnation& life, Place& place, uint32_t octets);

  // invariants_window.cc
  void hear_window(Incarnation& life, const TraceSegment& s);
  void check_window(Incarnation& life, const TraceSegment& s);
  void offer_window(Incarnation& life, const TraceSegment& s);

  // invariants_numbers.cc
  void check_numbers(Incarnation& life, const TraceSegment& s, Instant at);
  void check_clock(Incarnation& life, const TraceSegment& s);
  void check_reset(const HostRecord& r, const TraceSegment& s, Place& place);
  void check_timer(const HostRecord& r, Incarnation& life);
  void check_delayed_ack(const HostRecord& r, Incarnation& life);
  void check_reuse(const Incarnation& old, const Place& place);
  void check_time_wait(const HostRecord& r, const Incarnation& life);

  // invariants_end.cc
  void audit(HostId h);
  void nothing_is_owed(HostId h);
  void check_agreement(const Incarnation& life);

  World* world_;
  uint32_t watched_ = (1U << kAlwaysWatched) - 1;
  std::optional<Breach> breach_;
  Oracle oracle_;
  std::vector<Incarnation> lives_;
  std::map<Tuple, Place> places_;
  std::map<std::pair<Tuple, uint32_t>, size_t> by_iss_;
  std::map<std::pair<HostId, uint64_t>, size_t> by_handle_;
  std::vector<Machine> machines_;
  std::map<IpAddress, HostId> owners_;
  // Which boot of the sender a frame came from, once any host has crashed.
  std::map<std::tuple<HostId, HostId, uint32_t>, uint32_t> boots_;
  bool any_crash_ = false, changed_ = false;
  std::vector<Handle> handles_;
  std::map<HostId, tcp::Config> promised_;
  std::map<size_t, Handle> urgent_;  // lives that heard of urgent text
};

}  // namespace rapport::sim
