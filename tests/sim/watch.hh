// Watch: what must hold at every moment of a random life, whatever the wire does. The first breach
// is kept in words; the test prints it with its seed.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/sim/world.hh"

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

namespace rapport::random_lives {

// Nothing is sent beyond the window that the peer has offered. From the trace of the sender alone.
class WindowWatch {
 public:
  // The breach in words, or nothing.
  std::string recorded(const HostRecord& r);

 private:
  struct Flow {
    bool known = false;  // something was received that offers a window
    Seq iss;
    Seq edge;           // the rightmost that was ever offered
    uint8_t shift = 0;  // the peer's
  };

  using Key = std::tuple<uint32_t, IpAddress, uint16_t, IpAddress, uint16_t>;
  static void heard(const TraceSegment& s, Flow& flow);
  static std::string sent(const TraceSegment& s, Flow& flow);

  std::map<Key, Flow> flows_;
};

class Watch final : public sim::Observer {
 public:
  explicit Watch(sim::World& world) : world_(&world) {}

  void recorded(const HostRecord& record) override;
  void settled(Instant now) override;

  [[nodiscard]] const std::string& breach() const { return breach_; }

  // All is over: nothing may be left anywhere.
  void all_is_over();

 private:
  void note(uint32_t host, const std::string& what);
  void audit(uint32_t h);
  // No timer runs on this host: the next move of each connection is the peer's or the
  // application's.
  void nothing_is_owed(uint32_t h);
  void numbers_are_in_order(uint32_t h);

  sim::World* world_;
  WindowWatch window_;
  std::vector<Handle> handles_;
  uint32_t settlings_ = 0;
  std::string breach_;
};

}  // namespace rapport::random_lives
