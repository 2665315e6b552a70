// Settings of other systems as settings of the stack. A value that is what the stack does anyway is
// accepted; one that it cannot be told is a reason to skip.
#include "rapport/base/time.hh"
#include "rapport/play/setup.hh"
#include "rapport/play/shell.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/config.hh"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

namespace rapport::play {

namespace {

using enum SettingName;

Duration us(int64_t n) {
  return n * 1_us;
}

// How long `count` sendings of what is first repeated after `first` take, doubling each time.
Duration retries(Duration first, int64_t count) {
  Duration all{};
  Duration wait = first;
  for (int64_t i = 0; i <= std::clamp<int64_t>(count, 0, 30); ++i) {
    all += wait;
    wait = std::min(wait * 2, Duration{120'000'000'000});
  }
  return all;
}

ByteCount octets(int64_t n) {
  return ByteCount{static_cast<uint64_t>(std::clamp<int64_t>(n, 1, 16 << 20))};
}

// Each of the following: nothing when the setting is not one of its own, else whether it could be
// carried out.
std::optional<bool> apply_offers(const Setting& s, tcp::Config& c) {
  const bool on = s.value != 0;
  switch (s.name) {
    case Timestamps: c.offer_timestamps = on; return true;
    case WindowScaling: c.offer_window_scale = on; return true;
    case Sack: c.offer_sack = on; return true;
    case Dsack: return on;
    case Ecn: return !on || s.value == 2;  // never asked for, never granted
    case DropSynFin: c.drop_syn_fin = on; return true;
    case AbortOnOverflow: c.reset_on_accept_overflow = on; return true;
    case SynCookies: return s.value != 2;
    case InsecureRst:
    case InsecureSyn:
    case InsecureAck:
    case BlackHole: return !on;
    case ChallengeAckLimit:
      c.challenge_cap = static_cast<uint32_t>(std::clamp<int64_t>(s.value, 0, UINT32_MAX));
      return true;
    case InvalidAckInterval: c.challenge_interval = us(s.value); return true;
    default: return std::nullopt;
  }
}

std::optional<bool> apply_buffers(const Setting& s, stack::Config& c) {
  switch (s.name) {
    case SendBufferDefault: c.tcp.defaults.send_buffer = octets(s.value); return true;
    case ReceiveBufferDefault: c.tcp.defaults.receive_buffer = octets(s.value); return true;
    case SendBufferMin:
    case SendBufferMax:
    case ReceiveBufferMin:
    case ReceiveBufferMax:
    case SendBufferAuto:
    case ReceiveBufferAuto:
    case SendBufferLimit:
    case ReceiveBufferLimit:
    case BuffersToWindows:
    case UnsentLowMark:
    case Cork:
    case MinimumMss: return true;
    case TimeToLive:
      if (s.value < 1 || s.value > 255) return false;
      c.tcp.defaults.ttl = static_cast<uint8_t>(s.value);
      return true;
    case DefaultMss: return s.value == 536 || s.value == 1220;
    case RouteMtu:
      if (s.value < 68 || s.value > 65535) return false;
      c.interfaces[0].mtu = static_cast<uint16_t>(s.value);
      return true;
    case IcmpReplyLimit:
      if (s.value > 0) c.icmp_errors = static_cast<uint32_t>(s.value);
      return true;
    default: return std::nullopt;
  }
}

std::optional<bool> apply_timers(const Setting& s, tcp::Config& c) {
  switch (s.name) {
    case DelayedAckTime:
      c.delayed_ack = std::min(us(s.value), 499_ms);
      c.quick_acks = 0;  // the system that is told so knows none
      return true;
    case DelayedAck: c.defaults.quick_ack = s.value == 0; return true;
    case InitialRto: c.initial_rto = us(s.value); return true;
    case MinimumRto: c.min_rto = us(s.value); return true;
    case MaximumRto: c.max_rto = us(s.value); return true;
    case RtoSlop: return true;
    case SynRetries: c.syn_give_up = retries(c.initial_rto, s.value); return true;
    case SynAckRetries:
      c.syn_ack_give_up = retries(c.initial_rto, s.value);
      c.syn_ack_retries_under_pressure = static_cast<uint8_t>(std::clamp<int64_t>(s.value, 0, 60));
      return true;
    case Retries: c.r2 = retries(c.min_rto, s.value); return true;
    case RetriesSoft: c.r1 = static_cast<uint8_t>(std::clamp<int64_t>(s.value, 1, 60)); return true;
    case FinWait2Time: c.fin_wait_2_orphan = us(s.value); return true;
    case TimeWaitLength: c.two_msl = us(s.value); return true;
    case FinWait2Recycle:
    case TimeWaitReuse: return true;
    default: return std::nullopt;
  }
}

std::optional<bool> apply_keep_alive(const Setting& s, tcp::Config& c) {
  switch (s.name) {
    case KeepAliveIdle: c.defaults.keep_alive_idle = us(s.value); return true;
    case KeepAliveInterval: c.defaults.keep_alive_interval = us(s.value); return true;
    case KeepAliveProbes:
      c.defaults.keep_alive_probes = static_cast<uint8_t>(std::clamp<int64_t>(s.value, 1, 255));
      return true;
    case KeepAliveAlways: c.defaults.keep_alive = s.value != 0; return true;
    case KeepAliveInit: c.syn_give_up = us(s.value); return true;
    default: return std::nullopt;
  }
}

std::optional<bool> apply_congestion(const Setting& s, tcp::Config& c) {
  const bool on = s.value != 0;
  switch (s.name) {
    case InitialWindow:
      if (s.value < 1 || s.value > 1000) return false;
      c.initial_window_segments = static_cast<uint32_t>(s.value);
      return true;
    case CongestionControl: return s.word == "reno" || s.word == "newreno";
    case SlowStartAfterIdle:
    case LimitedTransmit:
    case PathMtuDiscovery: return on;
    case Frto:
    case EarlyRetransmit:
    case Recovery:
    case MtuProbing:
    case FastOpen: return !on;
    case DuplicateAckThreshold: return s.value == 3;
    default: return std::nullopt;
  }
}

}  // namespace

std::string apply(const Setting& setting, stack::Config& config) {
  std::optional<bool> done = apply_offers(setting, config.tcp);
  if (!done) done = apply_buffers(setting, config);
  if (!done) done = apply_timers(setting, config.tcp);
  if (!done) done = apply_keep_alive(setting, config.tcp);
  if (!done) done = apply_congestion(setting, config.tcp);
  if (done.value_or(false)) return {};
  return "the setting " + setting.source + "="
         + (setting.word.empty() ? std::to_string(setting.value) : setting.word);
}

}  // namespace rapport::play
