// Stories written by hand: records of two hosts "client" (0, 10.0.0.1:40000) and "server" (1,
// 10.0.0.2:80) as a trace would hold them, and what the wire did. Serial numbers count per host.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/trace.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/observe/story.hh"
#include "rapport/tcp/state.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rapport::observe::hand {

inline constexpr uint32_t kClient = 0, kServer = 1;

class Hand {
 public:
  // The clock of the records that follow.
  Hand& at(Duration t) {
    now_ = Instant{} + t;
    return *this;
  }

  Hand& call(uint32_t host, CallKind kind, uint32_t octets = 0) {
    return write(host, TraceKind::Call, TraceCall{static_cast<uint8_t>(kind), 0, 0, 0, octets});
  }

  Hand& fails(uint32_t host, CallKind kind, Error e) {
    return write(host, TraceKind::Call,
                 TraceCall{static_cast<uint8_t>(kind), 1, static_cast<uint8_t>(e), 0, 0});
  }

  Hand& moves(uint32_t host, tcp::State from, tcp::Event event, tcp::State to,
              std::string_view clause) {
    TraceTransition t{};
    t.from = static_cast<uint8_t>(from);
    t.to = static_cast<uint8_t>(to);
    t.event = static_cast<uint8_t>(event);
    std::ranges::copy(clause.substr(0, sizeof(t.clause) - 1), t.clause);
    return write(host, TraceKind::Transition, t);
  }

  Hand& fires(uint32_t host, TimerKind kind, uint8_t attempt, uint32_t ms) {
    return write(host, TraceKind::Timer, TraceTimer{static_cast<uint8_t>(kind), attempt, 0, ms});
  }

  Hand& drops(uint32_t host, DropReason r, uint32_t serial = 0) {
    return write(host, TraceKind::Drop, TraceDrop{static_cast<uint8_t>(r), {}, serial});
  }

  Hand& ends(uint32_t host, CloseReason r) {
    return write(host, TraceKind::Ended, TraceEnded{static_cast<uint8_t>(r), 0, {}});
  }

  Hand& agrees(uint32_t host, const TraceOptions& o) { return write(host, TraceKind::Options, o); }

  // The next segment to send or to receive: flags, numbers relative to ISS and IRS, text length.
  static TraceSegment segment(wire::Flags flags, uint32_t seq, uint32_t ack, uint32_t length = 0) {
    TraceSegment s{};
    s.flags = flags.v;
    s.relative_seq = seq;
    s.relative_ack = ack;
    s.seq = seq + 5000;
    s.ack = ack + 9000;
    s.relative_known = 1;
    s.text_length = length;
    s.window = 65535;
    return s;
  }

  // Puts a segment on the wire now and returns its serial.
  uint32_t sends(uint32_t host, tcp::State state, TraceSegment s,
                 SendCause cause = SendCause::Stack) {
    number(host, s);
    s.direction = static_cast<uint8_t>(Direction::Sent);
    s.state = static_cast<uint8_t>(state);
    s.cause = static_cast<uint8_t>(cause);
    s.serial = ++serials_[host];
    write(host, TraceKind::Segment, s);
    wires_.push_back({.sent = now_,
                      .from_host = host,
                      .to_host = 1 - host,
                      .serial = s.serial,
                      .fate = Fate::Lost});
    on_the_way_[host].push_back(s);
    return s.serial;
  }

  // `serial` of the other host arrives now.
  Hand& receives(uint32_t host, tcp::State state, uint32_t serial, Fate fate = Fate::Delivered) {
    TraceSegment s = on_the_way_[1 - host][serial - 1];
    s.direction = static_cast<uint8_t>(Direction::Received);
    s.state = static_cast<uint8_t>(state);
    write(host, TraceKind::Segment, s);
    const auto w =
        std::ranges::find_if(std::ranges::reverse_view(wires_), [&](const WireRecord& x) {
          return x.from_host == 1 - host && x.serial == serial && x.fate != Fate::Duplicated;
        });
    WireRecord copy = *w;
    copy.arrived = now_;
    copy.fate = fate;
    if (fate == Fate::Duplicated) {
      wires_.push_back(copy);
    } else {
      *w = copy;
    }
    return *this;
  }

  // Both ends of a way that nothing else happens on.
  Hand& crosses(uint32_t from, tcp::State before, tcp::State after, const TraceSegment& s,
                SendCause cause = SendCause::Stack) {
    const uint32_t serial = sends(from, before, s, cause);
    now_ += 10_ms;
    return receives(1 - from, after, serial);
  }

  // Nobody's segment: a script put it on the wire.
  Hand& injected(uint32_t host, tcp::State state, TraceSegment s) {
    number(1 - host, s);
    s.direction = static_cast<uint8_t>(Direction::Received);
    s.state = static_cast<uint8_t>(state);
    return write(host, TraceKind::Segment, s);
  }

  Hand& remark(uint32_t host, std::string text, bool forgets) {
    remarks_.push_back(
        {host, static_cast<uint32_t>(records_.size()), now_, std::move(text), forgets});
    return *this;
  }

  // The host came up again: its serial numbers begin anew.
  Hand& forgets_serials(uint32_t host) {
    serials_[host] = 0;
    on_the_way_[host].clear();
    return *this;
  }

  [[nodiscard]] Story story(bool with_wires = true) const {
    return {{"client", "server"},
            records_,
            with_wires ? std::span<const WireRecord>(wires_) : std::span<const WireRecord>{},
            remarks_};
  }

 private:
  // The client's ISS is 5000, the server's 9000.
  static void number(uint32_t host, TraceSegment& s) {
    s.seq = s.relative_seq + (host == kClient ? 5000 : 9000);
    s.ack = s.relative_ack + (host == kClient ? 9000 : 5000);
  }

  template <class T>
  Hand& write(uint32_t host, TraceKind kind, const T& tail) {
    static constexpr IpAddress kAddresses[] = {IpAddress::v4(10, 0, 0, 1),
                                               IpAddress::v4(10, 0, 0, 2)};
    static constexpr uint16_t kPorts[] = {40000, 80};
    HostRecord r{host, static_cast<uint32_t>(records_.size()), {}};
    r.record.header = {now_, {}, {}, kAddresses[host], kind, sizeof(T), 0, 0};
    r.record.header.key.remote = kAddresses[1 - host];
    r.record.header.key.remote_port = kPorts[1 - host];
    r.record.header.key.local_port = kPorts[host];
    std::memcpy(r.record.tail, &tail, sizeof(T));
    records_.push_back(r);
    return *this;
  }

  Instant now_{};
  std::vector<HostRecord> records_;
  std::vector<WireRecord> wires_;
  std::vector<Remark> remarks_;
  std::array<uint32_t, 2> serials_{};
  std::array<std::vector<TraceSegment>, 2> on_the_way_;
};

}  // namespace rapport::observe::hand
