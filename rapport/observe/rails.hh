// Rails: what a ladder knows of each host while it is told: the state and the agreed window scale
// of each connection, and the addresses that stand above the rails.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/trace.hh"
#include "rapport/observe/segment_text.hh"
#include "rapport/observe/story.hh"
#include "rapport/tcp/state.hh"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace rapport::observe {

// A sequence number as a distance from a SYN.
struct Counted {
  uint32_t distance = 0;
  bool earlier = false;  // from the SYN of an earlier connection under the same addresses and ports
};

class Rails {
 public:
  Rails(const Story& story, uint32_t left, uint32_t right);

  // A transition or an option record of its host's rail; in the order of telling.
  void move(const HostRecord& r);
  void agree(const HostRecord& r);
  // The host lost every connection.
  void forget(uint32_t host);

  // The state of the connection that `r` concerns; that of its listener, or CLOSED, when there is
  // none.
  [[nodiscard]] std::string_view state(const HostRecord& r) const;
  // By how much the window of the segment on its way `p` is to be shifted.
  [[nodiscard]] uint8_t shift(std::span<const HostRecord> records, const Passage& p) const;
  // A segment leaves `host`: its SYN is what the numbers of its connection count from.
  void note_syn(const HostRecord& sent);
  // The numbers of a segment on its way `p` as distances from the SYNs that were seen, else as its
  // records tell them (either may be nullptr, not both).
  [[nodiscard]] SegmentNumbers numbers(std::span<const HostRecord> records, const Passage& p,
                                       const TraceSegment* sent, const TraceSegment* arrived) const;
  // "10.0.0.1:1024", without the port when the host used several.
  [[nodiscard]] std::string endpoint(uint32_t host) const;

 private:
  // host, local port, remote address, remote port
  using Key = std::tuple<uint32_t, uint16_t, IpAddress, uint16_t>;

  struct Place {
    IpAddress address;
    uint16_t port = 0;  // 0: several
    bool known = false;
  };

  static Key key(const HostRecord& r);
  // How far `number` lies behind the SYN that it counts from: the latest before it of those that
  // the host of `r` sent in this connection, or its peer did. Nothing when it counts from none of
  // them.
  [[nodiscard]] std::optional<Counted> count(const HostRecord& r, uint32_t number) const;
  [[nodiscard]] std::optional<Counted> count_of_peer(const HostRecord& r, uint32_t peer_host,
                                                     uint32_t number) const;
  [[nodiscard]] std::optional<Counted> count(const Key& k, uint32_t number) const;

  std::map<Key, tcp::State> states_;
  std::map<Key, uint8_t> shifts_;
  std::map<Key, std::vector<uint32_t>> syns_;  // sequence numbers of SYNs, the latest last
  std::map<uint32_t, Place> places_;
};

}  // namespace rapport::observe
