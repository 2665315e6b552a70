// Stage: two or more hosts in virtual time on which a scenario of `rapport demo` is played, and
// what its programs need: listeners that stay open, frames to be lost at the right moment, remarks
// for the ladder. Every run ends by itself: virtual time is bounded.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/time.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/observe/story.hh"
#include "rapport/sim/record/recording.hh"
#include "rapport/sim/world.hh"
#include "rapport/socket/coroutine/host.hh"
#include "rapport/socket/coroutine/stream.hh"
#include "rapport/socket/coroutine/task.hh"
#include "rapport/wire/tcp.hh"

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rapport::app {

// What the user may set; it applies on top of what a scenario does.
struct DemoSettings {
  uint64_t seed = 1;
  uint32_t loss_ppm = 0, duplicate_ppm = 0, reorder_ppm = 0;
  Duration delay = 10_ms;  // one way
};

// The hosts of most scenarios.
inline constexpr uint32_t kClient = 0, kServer = 1;

// For scenarios in which the same port opens twice.
inline constexpr uint16_t kClientPort = 40000, kServerPort = 80;

class Stage : public sim::Observer {
 public:
  explicit Stage(const DemoSettings& settings);
  ~Stage() override;
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  // --- before the world is there ----------------------------------------------------------------
  // Another host, 10.0.0.<its number + 1>. `client` and `server` are there from the beginning.
  uint32_t add_host(std::string name);
  void rename(uint32_t host, std::string name);

  [[nodiscard]] uint32_t hosts() const { return static_cast<uint32_t>(configs_.size()); }

  // The whole play is written down. It must outlive the stage.
  void record(sim::Recording& recording) { recording_ = &recording; }

  [[nodiscard]] stack::Config& config(uint32_t host);
  // All of it, with the stack's settings that config() gives.
  [[nodiscard]] sim::HostConfig& machine(uint32_t host);
  // Makes the world: every host linked with the first. FramesFirst: the stacks answer before their
  // applications do, so that no answer of theirs rides on an application's segment.
  void raise(sim::Settling settling = sim::Settling::ProgramsFirst);
  // The same with whatever else a world may be told; its seed is the settings'.
  void raise(sim::WorldConfig config);

  // --- playing ----------------------------------------------------------------------------------
  [[nodiscard]] const DemoSettings& settings() const { return settings_; }

  // One way of the wire, at least 1 ms: the measure of a scenario's own waits.
  [[nodiscard]] Duration way() const { return settings_.delay < 1_ms ? 1_ms : settings_.delay; }

  [[nodiscard]] sim::World& world() { return *world_; }

  [[nodiscard]] coroutine::Host& host(uint32_t h) { return world_->host(h); }

  [[nodiscard]] static Endpoint at(uint32_t host, uint16_t port);
  // A listener that stays open until the end; nullptr when the port is taken.
  coroutine::Listener* listen(uint32_t host, uint16_t port, const coroutine::ListenOptions& o = {});
  // Until nothing is left to happen, or for at most this long.
  void run(Duration at_most);

  void run() { run(kLongest); }

  // When the first segment with all of `flags` from `from` reaches `to`, the frame that `to` sends
  // next towards it is lost.
  void lose_answer(uint32_t from, uint32_t to, wire::Flags flags);
  // Told on the host's rail. `forgets`: it lost every connection.
  void remark(uint32_t host, std::string text, bool forgets = false, bool closes = false);
  // The process whose programs run on the host ends: all that they had open is closed.
  void end_process(uint32_t host);
  // The host loses power and comes up again after a while; its programs are gone.
  void power_cycle(uint32_t host, Duration after);

  // --- what was seen ---
  // A packet at the interface of one host.
  struct Passed {
    sim::HostId host;
    sim::Passing way;
    Instant at;
    std::vector<uint8_t> packet;
  };

  // In order; host by host what a capture there would hold.
  [[nodiscard]] const std::vector<Passed>& passed() const { return passed_; }

  [[nodiscard]] observe::Story story() const;

  [[nodiscard]] std::string_view name(uint32_t host) const { return configs_[host].name; }

  // Set before the play: false when nobody will ask for passed(), which keeps every octet.
  bool keep_packets = true;

  // The ladders to draw, pairs of hosts.
  std::vector<std::pair<uint32_t, uint32_t>> ladders{{kClient, kServer}};

 private:
  struct Ordered {
    uint32_t from, to;
    wire::Flags flags;
    bool done = false;
  };

  static constexpr Duration kLongest = 24 * 3600_s;
  static constexpr uint8_t kSnap = 32;  // octets of text that the trace keeps

  void recorded(const HostRecord& r) override;
  void arrived(const WireRecord& w) override;
  void passed(sim::HostId host, sim::Passing way, Instant at,
              std::span<const uint8_t> packet) override;

  DemoSettings settings_;
  sim::Recording* recording_ = nullptr;
  std::vector<sim::HostConfig> configs_;
  std::unique_ptr<sim::World> world_;
  std::list<coroutine::Listener> listeners_;
  std::vector<Ordered> ordered_;
  std::map<std::pair<uint32_t, uint32_t>, uint8_t> flags_;  // of what was sent: (host, serial)
  std::vector<observe::Remark> remarks_;
  std::vector<Passed> passed_;
};

// --- pieces of programs ---

// Streams and listeners must outlive the tasks that use them.

using coroutine::Task;

// Writes all of `text`, which must outlive the task. False when the connection would not take it.
Task<bool> write_text(coroutine::Stream& stream, std::string_view text);
// Reads once. False at the end of file or when the connection is gone.
Task<bool> read_text(coroutine::Stream& stream);
// Reads until the end of file. False when the connection ended otherwise.
Task<bool> read_to_end(coroutine::Stream& stream);
// A connection to `to`; a stream that names nothing when it did not come about.
Task<coroutine::Stream> open_to(Stage& stage, uint32_t from, Endpoint to,
                                coroutine::ConnectOptions options = {});
// The next connection of the listener; one that names nothing when there will be none.
Task<coroutine::Stream> accept_one(coroutine::Listener& listener);
// A whole server: accepts one connection on kServerPort, reads until the client has finished and
// closes at once.
Task<> hear_out_and_close(Stage& stage, coroutine::ListenOptions options = {});
Task<> wait_until_closed(coroutine::Stream& stream);

}  // namespace rapport::app
