// Run: one script at work. Private to play/. Each step answers whether the script goes on; when it
// does not, the verdict tells why.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/time.hh"
#include "rapport/play/calls.hh"
#include "rapport/play/chronicle.hh"
#include "rapport/play/compare.hh"
#include "rapport/play/craft.hh"
#include "rapport/play/flow.hh"
#include "rapport/play/host.hh"
#include "rapport/play/player.hh"
#include "rapport/play/rules.hh"
#include "rapport/play/script.hh"
#include "rapport/play/setup.hh"
#include "rapport/play/verdict.hh"
#include "rapport/socket/posix/sockets.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/tcp.hh"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rapport::play {

class Run {
 public:
  Run(const Script& script, const Setup& setup, const PlayOptions& options, FramePool& frames,
      bool chronicle);

  [[nodiscard]] Verdict play();

 private:
  // When something must happen.
  struct Span {
    Instant from, to;
    bool any = false;  // "*"
    Duration tolerance{};
  };

  // --- run.cc: events in order ---
  bool happen(const Event& e);
  [[nodiscard]] Span span_of(const When& when) const;
  bool wait_until(Instant t);
  // After anything that the stack or the sockets were given: events, blocked calls, packets.
  bool settle();
  bool take_outcome(const Outcome& o, const Syscall& call);
  bool begin_call(const Syscall& call, const Event& e);
  bool is_overdue();
  bool finish();
  bool fail(Place place, std::string expected, std::string saw);
  bool skip(Place place, std::string reason);
  [[nodiscard]] std::string clock_text(Instant t) const;

  // --- run_inject.cc: packets of the script ---
  bool inject(const Packet& p);
  bool inject_tcp(const Packet& p, const TcpSegment& s);
  bool inject_udp(const Packet& p, const UdpDatagram& d);
  bool inject_icmp(const Packet& p, const IcmpMessage& m);
  bool put(const std::vector<uint8_t>& packet, Place place);
  [[nodiscard]] Flow& flow_of(const std::optional<Ports>& ports, bool inbound);

  // --- run_expect.cc: packets of the stack ---
  bool expect(const Event& e, const Packet& p);
  bool wait_for_packet(Instant limit);
  void learn(const Packet& p, Flow& flow);
  void coalesce(const Packet& p, const Span& span);
  [[nodiscard]] Differences differences(const Packet& p, const Seen& seen, const Flow& flow,
                                        const Span& span) const;
  [[nodiscard]] bool in_time(const Seen& seen, const Span& span) const;
  [[nodiscard]] bool right_timestamp(const Packet& p, const Seen& seen, const Flow& flow,
                                     const Span& span) const;
  [[nodiscard]] bool right_content(const Seen& seen, const Flow& flow) const;
  void consume(const Packet& p, Flow& flow);
  [[nodiscard]] bool pass_over_extra(const Packet& p, Flow& flow);
  bool fail_packet(const Packet& p, const Seen& seen, const Flow& flow, Differences d,
                   const Span& span);

  // --- run_rules.cc, run_ack_rules.cc: what a profile lets pass ---
  // What a packet is held against.
  struct Match {
    const TcpSegment& wanted;
    const Seen& seen;
    const Flow& flow;
    const Span& span;
  };

  // Takes away the differences that rules excuse, and notes them in `used`.
  void excuse(const Match& m, Differences& d, std::vector<Rule>& used) const;
  [[nodiscard]] std::optional<Rule> excuse_options(const Match& m) const;
  [[nodiscard]] std::optional<Rule> excuse_flags(const Match& m, Differences d) const;
  [[nodiscard]] std::optional<Rule> excuse_time(const Match& m) const;
  [[nodiscard]] std::optional<Rule> excuse_ack(const Match& m, Differences d) const;
  // A packet that the script does not mention, but could have come; `wanted`: what it expects next.
  [[nodiscard]] std::optional<Rule> excuse_extra(const Seen& seen, const TcpSegment* wanted,
                                                 const Flow& flow) const;
  [[nodiscard]] bool is_later_ack(const TcpSegment& wanted, const Seen& seen,
                                  const Flow& flow) const;

  [[nodiscard]] tcp::State host_state(const Flow& flow) const {
    return host_.stack().state_of(flow.local, flow.remote);
  }

  // A packet that the script mentions, but need not come.
  [[nodiscard]] std::optional<Rule> excuse_missing(const Packet& p) const;
  [[nodiscard]] bool is_alias(const std::string& expected, const std::string& saw);
  void note_injected(const LiveSegment& s, const Flow& flow, tcp::State before);

  // --- run_probe.cc: questions about the state ---
  bool run_code(const CodeBlock& code);
  bool run_shell(const ShellLine& line);
  [[nodiscard]] std::optional<int64_t> member(std::string_view name);
  [[nodiscard]] int64_t count_sockets(const std::string& state);

  const Script& script_;
  const Setup& setup_;
  const PlayOptions& options_;
  Host host_;
  std::unique_ptr<Chronicle> chronicle_;
  posix::Sockets sockets_;
  Calls calls_;
  Verdict verdict_;
  std::deque<Flow> flows_;       // the one under test last; never empty
  Instant base_ = Host::kStart;  // what relative times count from

  // What the script injected, for the rules.
  struct Heard {
    wire::Flags flags;  // of the last segment
    bool to_listener = false;
    uint32_t texts = 0, since_ack = 0;  // segments with text: all, and since the last ACK seen
    Instant text_at;                    // when the last of them came
    std::optional<Seq> fin_end;         // behind the last FIN
    bool icmp = false;                  // an error was among it
    bool said_syn = false;              // a SYN of the stack was seen before
  };

  Heard heard_;
  std::optional<Span> return_;  // of the call that blocks
  bool begun_ = false;          // something happened that a setting would come too late for
  bool over_ = false;           // nothing more happens that a setting could matter to
};

}  // namespace rapport::play
