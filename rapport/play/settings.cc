// Settings of other systems as settings of the stack. A value that is what the stack does anyway is
// accepted. What the stack does not have is assumed where that system begins with it: a script that
// says so asks for nothing. Any other value is a reason to skip. docs/scripts.md lists them.
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/play/setup.hh"
#include "rapport/play/shell.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/config.hh"
#include "rapport/tcp/negotiation.hh"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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

enum class Applied : uint8_t { Done, Assumed, Refused };

constexpr Applied done_if(bool done) {
  return done ? Applied::Done : Applied::Refused;
}

// What the systems begin with, where we do otherwise.
bool is_default(std::string_view source) {
  constexpr auto kDefaults = std::to_array<std::string_view>({
      "net.ipv4.tcp_congestion_control=cubic",
      "net.ipv4.tcp_early_retrans=3",
      "net.ipv4.tcp_ecn=2",
      "net.ipv4.tcp_fastopen=1",
      "net.ipv4.tcp_frto=2",
      "net.ipv4.tcp_min_snd_mss=48",
      "net.ipv4.tcp_moderate_rcvbuf=1",
      "net.ipv4.tcp_recovery=1",
      "net.ipv4.tcp_syncookies=1",
      "net.ipv4.tcp_adv_win_scale=1",
      "net.inet.tcp.cc.algorithm=cubic",
      "net.inet.tcp.ecn.enable=2",
      "net.inet.tcp.fast_finwait2_recycle=0",
      "net.inet.tcp.fastopen.client_enable=1",
      "net.inet.tcp.minmss=216",
      "net.inet.tcp.recvbuf_auto=1",
      "net.inet.tcp.rexmit_slop=200",
      "net.inet.tcp.sendbuf_auto=1",
      "net.inet.tcp.syncookies=1",
      "net.inet.tcp.syncookies_only=0",
      "ip route ... congctl cubic",
  });
  return std::ranges::find(kDefaults, source) != kDefaults.end();
}

// Each of the following: nothing when the setting is not one of its own.
std::optional<Applied> apply_offers(const Setting& s, tcp::Config& c) {
  const bool on = s.value != 0;
  switch (s.name) {
    case Timestamps: c.offer_timestamps = on; return Applied::Done;
    case WindowScaling: c.offer_window_scale = on; return Applied::Done;
    case Sack: c.offer_sack = on; return Applied::Done;
    case Dsack: return done_if(on);
    case DropSynFin: c.drop_syn_fin = on; return Applied::Done;
    case AbortOnOverflow: c.reset_on_accept_overflow = on; return Applied::Done;
    case Ecn:  // never asked for, never granted
    case SynCookies:
    case FastOpen:
    case InsecureRst:
    case InsecureSyn:
    case InsecureAck:
    case BlackHole: return done_if(!on);
    case ChallengeAckLimit:
      c.challenge_cap = static_cast<uint32_t>(std::clamp<int64_t>(s.value, 0, UINT32_MAX));
      return Applied::Done;
    case InvalidAckInterval: c.challenge_interval = us(s.value); return Applied::Done;
    default: return std::nullopt;
  }
}

// Buffers have the size that they begin with. Another end of their growth changes nothing unless
// that system would let them grow; the least size is for want of memory, which there is none of.
std::optional<Applied> apply_buffers(const Setting& s, Setup& setup) {
  tcp::ConnectionOptions& o = setup.config.tcp.defaults;
  const auto grows = [&s](ByteCount from) {
    return s.value > static_cast<int64_t>(from.v) ? Applied::Assumed : Applied::Done;
  };
  switch (s.name) {
    case SendBufferDefault: o.send_buffer = octets(s.value); return Applied::Done;
    case ReceiveBufferDefault: o.receive_buffer = octets(s.value); return Applied::Done;
    case SendBufferMin:
    case ReceiveBufferMin: return Applied::Done;
    case SendBufferMax: return grows(o.send_buffer);
    case ReceiveBufferMax: return grows(o.receive_buffer);
    case SendBufferLimit: setup.limits.send = s.value; return Applied::Done;
    case ReceiveBufferLimit: setup.limits.receive = s.value; return Applied::Done;
    case SendBufferAuto:
    case ReceiveBufferAuto:
    case BuffersToWindows: return done_if(s.value == 0);
    case UnsentLowMark:  // SO_SNDBUF alone bounds what is not sent
      return done_if(s.value < 0 || s.value >= static_cast<int64_t>(o.send_buffer.v));
    case Cork: return Applied::Done;  // it joins what waits for the device: here nothing does
    default: return std::nullopt;
  }
}

std::optional<Applied> apply_sizes(const Setting& s, stack::Config& c) {
  constexpr uint32_t kUnlimited = 1'000'000;
  switch (s.name) {
    case TimeToLive:
      if (s.value < 1 || s.value > 255) return Applied::Refused;
      c.tcp.defaults.ttl = static_cast<uint8_t>(s.value);
      return Applied::Done;
    case MinimumMss: return done_if(s.value == tcp::kLeastMss);
    case DefaultMss: return done_if(s.value == (s.variable().contains("v6") ? 1220 : 536));
    case RouteMtu:
      if (s.value < 68 || s.value > 65535) return Applied::Refused;
      c.interfaces[0].mtu = static_cast<uint16_t>(s.value);
      return Applied::Done;
    case IcmpReplyLimit:
      c.icmp_errors = static_cast<uint32_t>(std::clamp<int64_t>(s.value, 0, kUnlimited));
      if (s.value <= 0) c.icmp_errors = c.icmp_error_burst = kUnlimited;
      return Applied::Done;
    default: return std::nullopt;
  }
}

std::optional<Applied> apply_timers(const Setting& s, tcp::Config& c) {
  switch (s.name) {
    case DelayedAckTime:
      c.delayed_ack = std::min(us(s.value), 499_ms);
      c.quick_acks = 0;  // the system that is told so knows none
      return Applied::Done;
    case DelayedAck: c.defaults.quick_ack = s.value == 0; return Applied::Done;
    case InitialRto: c.initial_rto = us(s.value); return Applied::Done;
    case MinimumRto: c.min_rto = us(s.value); return Applied::Done;
    case MaximumRto: c.max_rto = us(s.value); return Applied::Done;
    case RtoSlop: return done_if(s.value == 0);
    case SynRetries: c.syn_give_up = retries(c.initial_rto, s.value); return Applied::Done;
    case SynAckRetries:
      c.syn_ack_give_up = retries(c.initial_rto, s.value);
      c.syn_ack_retries_under_pressure = static_cast<uint8_t>(std::clamp<int64_t>(s.value, 0, 60));
      return Applied::Done;
    case Retries: c.r2 = retries(c.min_rto, s.value); return Applied::Done;
    case RetriesSoft:
      c.r1 = static_cast<uint8_t>(std::clamp<int64_t>(s.value, 1, 60));
      return Applied::Done;
    case FinWait2Time: c.fin_wait_2_orphan = us(s.value); return Applied::Done;
    case TimeWaitLength: c.two_msl = us(s.value); return Applied::Done;
    case FinWait2Recycle: return done_if(s.value == 1);  // FinWait2Time holds without a reader
    case TimeWaitReuse: return done_if(s.value != 1);    // choice 28; 2: on the loopback device
    default: return std::nullopt;
  }
}

std::optional<Applied> apply_keep_alive(const Setting& s, tcp::Config& c) {
  switch (s.name) {
    case KeepAliveIdle: c.defaults.keep_alive_idle = us(s.value); return Applied::Done;
    case KeepAliveInterval: c.defaults.keep_alive_interval = us(s.value); return Applied::Done;
    case KeepAliveProbes:
      c.defaults.keep_alive_probes = static_cast<uint8_t>(std::clamp<int64_t>(s.value, 1, 255));
      return Applied::Done;
    case KeepAliveAlways: c.defaults.keep_alive = s.value != 0; return Applied::Done;
    case KeepAliveInit: c.syn_give_up = us(s.value); return Applied::Done;
    default: return std::nullopt;
  }
}

std::optional<Applied> apply_congestion(const Setting& s, tcp::Config& c) {
  const bool on = s.value != 0;
  switch (s.name) {
    case InitialWindow:
      if (s.value < 1 || s.value > 1000) return Applied::Refused;
      c.initial_window_segments = static_cast<uint32_t>(s.value);
      return Applied::Done;
    case CongestionControl: return done_if(s.word == "reno" || s.word == "newreno");
    case SlowStartAfterIdle:
    case LimitedTransmit:
    case PathMtuDiscovery: return done_if(on);
    case Frto:
    case EarlyRetransmit:
    case Recovery:
    case MtuProbing: return done_if(!on);
    case DuplicateAckThreshold: return done_if(s.value == 3);
    default: return std::nullopt;
  }
}

Applied carry_out(const Setting& setting, Setup& setup) {
  tcp::Config& c = setup.config.tcp;
  std::optional<Applied> done = apply_offers(setting, c);
  if (!done) done = apply_buffers(setting, setup);
  if (!done) done = apply_sizes(setting, setup.config);
  if (!done) done = apply_timers(setting, c);
  if (!done) done = apply_keep_alive(setting, c);
  if (!done) done = apply_congestion(setting, c);
  const bool usual = setting.of_init_script || is_default(setting.source);
  if (done == Applied::Refused && usual) return Applied::Assumed;
  return done.value_or(Applied::Refused);
}

}  // namespace

bool apply(const Setting& setting, Setup& setup) {
  const Applied applied = carry_out(setting, setup);
  if (applied == Applied::Refused) return false;
  // The last word on a variable counts.
  std::erase_if(setup.settings, [&](const Setting& s) { return s.name == setting.name; });
  setup.settings.push_back(setting);
  std::erase_if(setup.assumed, [&](const std::string& source) {
    return source.starts_with(std::string(setting.variable()) + "=");
  });
  if (applied == Applied::Assumed) setup.assumed.push_back(setting.source);
  return true;
}

}  // namespace rapport::play
