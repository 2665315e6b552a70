// getsockopt(), setsockopt() and ioctl(): each option is a row of a table: who it is for, how it is
// read and how it is set.
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/socket/posix/process.hh"
#include "rapport/socket/posix/sockets.hh"
#include "rapport/socket/posix/tcp_info.hh"
#include "rapport/socket/posix/types.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/udp/commands.hh"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <optional>
#include <span>

namespace rapport::posix {

namespace {

constexpr int kLargestBuffer = 16 << 20;
constexpr int kDefaultMss = 536;
constexpr int kLeastMss = 64;
constexpr int kLargestMss = 32767;
constexpr int kLongestKeepAlive = 32767;  // seconds
constexpr int kMostProbes = 127;
constexpr int kDefaultTtl = 64;

// Gives the socket's options to what it has opened. The errno; 0: done.
int apply(Process& p, Socket& s) {
  if (!s.handle) return 0;
  const auto done = s.stream ? p.stack.command(tcp::SetOptions{s.handle, s.options}, p.now)
                             : p.stack.command(udp::SetOptions{s.handle, s.datagram}, p.now);
  if (done || done.error() == Error::DoesNotExist) return 0;
  return done.error() == Error::InsufficientResources ? ENOBUFS : EINVAL;
}

// Changes options, all or nothing.
template <class F>
int change(Process& p, Socket& s, F&& edit) {
  const tcp::ConnectionOptions stream = s.options;
  const udp::Options datagram = s.datagram;
  edit();
  const int why = apply(p, s);
  if (why == 0) return 0;
  s.options = stream;
  s.datagram = datagram;
  return why;
}

std::optional<tcp::Status> status_of(Process& p, const Socket& s) {
  if (!s.stream || !s.handle) return std::nullopt;
  const auto status = p.stack.command(tcp::GetStatus{s.handle}, p.now);
  return status ? std::optional{*status} : std::nullopt;
}

int octets(ByteCount n) {
  return static_cast<int>(n.v);
}

int set_receive_buffer(Process& p, Socket& s, int v) {
  if (v < 1) return EINVAL;
  const ByteCount size{static_cast<uint32_t>(std::min(v, kLargestBuffer))};
  return change(p, s, [&] { s.options.receive_buffer = s.datagram.receive_octets = size; });
}

int set_send_buffer(Process& p, Socket& s, int v) {
  if (v < 1) return EINVAL;
  const ByteCount size{static_cast<uint32_t>(std::min(v, kLargestBuffer))};
  return change(p, s, [&] { s.options.send_buffer = size; });
}

int get_maxseg(Process& p, Socket& s) {
  const auto status = s.phase == Phase::Connected ? status_of(p, s) : std::nullopt;
  if (status) return static_cast<int>(tcp_info_of(*status).snd_mss);
  return s.options.mss_clamp != 0 ? s.options.mss_clamp : kDefaultMss;
}

int set_maxseg(Process& p, Socket& s, int v) {
  if (v < kLeastMss || v > kLargestMss) return EINVAL;
  return change(p, s, [&] { s.options.mss_clamp = static_cast<uint16_t>(v); });
}

int set_seconds(Process& p, Socket& s, Duration& which, int v) {
  if (v < 1 || v > kLongestKeepAlive) return EINVAL;
  return change(p, s, [&] { which = v * 1_s; });
}

int get_tos(Process& /*p*/, Socket& s) {
  return (s.stream ? s.options.dscp : s.datagram.dscp) << 2;
}

// The two bits of ECN are the stack's.
int set_tos(Process& p, Socket& s, int v) {
  if (v < -1 || v > 255) return EINVAL;
  const auto dscp = static_cast<uint8_t>(v < 0 ? 0 : v >> 2);
  if ((p.stack.config().tcp.permitted_dscp >> dscp & 1) == 0) return EACCES;
  return change(p, s, [&] { s.options.dscp = s.datagram.dscp = dscp; });
}

int get_ttl(Process& /*p*/, Socket& s) {
  return s.stream ? s.options.ttl : s.datagram.ttl;
}

int set_ttl(Process& p, Socket& s, int v) {
  if (v == 0 || v < -1 || v > 255) return EINVAL;
  const auto ttl = static_cast<uint8_t>(v < 0 ? kDefaultTtl : v);
  return change(p, s, [&] { s.options.ttl = s.datagram.ttl = ttl; });
}

template <auto kMember>
int get_flag(Process& /*p*/, Socket& s) {
  return s.options.*kMember ? 1 : 0;
}

template <auto kMember>
int set_flag(Process& p, Socket& s, int v) {
  return change(p, s, [&] { s.options.*kMember = v != 0; });
}

template <auto kMember>
int get_own(Process& /*p*/, Socket& s) {
  return s.*kMember ? 1 : 0;
}

template <auto kMember>
int set_own(Process& /*p*/, Socket& s, int v) {
  s.*kMember = v != 0;
  return 0;
}

// An option whose value is an int.
struct Row {
  int level, option;
  bool streams_only;
  int (*get)(Process&, Socket&);
  int (*set)(Process&, Socket&, int);  // the errno; nullptr: ENOPROTOOPT
};

using P = Process&;
using S = Socket&;
using O = tcp::ConnectionOptions;

constexpr auto kRows = std::to_array<Row>({
    {kSolSocket, kSoReuseaddr, false, get_own<&Socket::reuse_address>,
     set_own<&Socket::reuse_address>},
    {kSolSocket, kSoReuseport, false, get_own<&Socket::reuse_port>, set_own<&Socket::reuse_port>},
    {kSolSocket, kSoType, false, [](P, S s) { return s.stream ? kSockStream : kSockDgram; },
     nullptr},
    {kSolSocket, kSoProtocol, false, [](P, S s) { return s.stream ? kIpprotoTcp : kIpprotoUdp; },
     nullptr},
    {kSolSocket, kSoDomain, false, [](P, S s) { return s.domain; }, nullptr},
    {kSolSocket, kSoAcceptconn, false, [](P, S s) { return s.phase == Phase::Listening ? 1 : 0; },
     nullptr},
    {kSolSocket, kSoError, false, [](P, S s) { return take_error(s); }, nullptr},
    {kSolSocket, kSoRcvbuf, false,
     [](P, S s) { return octets(s.stream ? s.options.receive_buffer : s.datagram.receive_octets); },
     set_receive_buffer},
    {kSolSocket, kSoSndbuf, false, [](P, S s) { return octets(s.options.send_buffer); },
     set_send_buffer},
    {kSolSocket, kSoKeepalive, false, get_flag<&O::keep_alive>, set_flag<&O::keep_alive>},
    {kSolSocket, kSoOobinline, false, [](P, S) { return 1; },
     [](P, S, int v) { return v != 0 ? 0 : EINVAL; }},
    {kSolSocket, kSoRcvlowat, false, [](P, S s) { return s.receive_lowat; },
     [](P, S s, int v) {
       s.receive_lowat = std::clamp(v, 1, octets(s.options.receive_buffer));
       return 0;
     }},
    {kSolSocket, kSoSndlowat, false, [](P, S s) { return s.send_lowat; },
     [](P, S s, int v) {
       s.send_lowat = std::clamp(v, 1, octets(s.options.send_buffer));
       return 0;
     }},
    {kIpprotoTcp, kTcpNodelay, true, get_flag<&O::no_delay>, set_flag<&O::no_delay>},
    {kIpprotoTcp, kTcpCork, true, get_flag<&O::cork>, set_flag<&O::cork>},
    {kIpprotoTcp, kTcpQuickack, true, get_flag<&O::quick_ack>, set_flag<&O::quick_ack>},
    {kIpprotoTcp, kTcpMaxseg, true, get_maxseg, set_maxseg},
    {kIpprotoTcp, kTcpKeepidle, true,
     [](P, S s) { return static_cast<int>(s.options.keep_alive_idle.to_s()); },
     [](P p, S s, int v) { return set_seconds(p, s, s.options.keep_alive_idle, v); }},
    {kIpprotoTcp, kTcpKeepintvl, true,
     [](P, S s) { return static_cast<int>(s.options.keep_alive_interval.to_s()); },
     [](P p, S s, int v) { return set_seconds(p, s, s.options.keep_alive_interval, v); }},
    {kIpprotoTcp, kTcpKeepcnt, true, [](P, S s) { return int{s.options.keep_alive_probes}; },
     [](P p, S s, int v) {
       if (v < 1 || v > kMostProbes) return EINVAL;
       return change(p, s, [&] { s.options.keep_alive_probes = static_cast<uint8_t>(v); });
     }},
    {kIpprotoTcp, kTcpUserTimeout, true,
     [](P, S s) { return static_cast<int>(s.options.user_timeout.to_ms()); },
     [](P p, S s, int v) {
       if (v < 0) return EINVAL;
       return change(p, s, [&] { s.options.user_timeout = v * 1_ms; });
     }},
    {kIpprotoTcp, kTcpLinger2, true,
     [](P p, S) { return static_cast<int>(p.stack.config().tcp.fin_wait_2_orphan.to_s()); },
     nullptr},
    {kIpprotoIp, kIpTos, false, get_tos, set_tos},
    {kIpprotoIp, kIpTtl, false, get_ttl, set_ttl},
    {kIpprotoIpv6, kIpv6Tclass, false, get_tos, set_tos},
    {kIpprotoIpv6, kIpv6UnicastHops, false, get_ttl, set_ttl},
    {kIpprotoIpv6, kIpv6V6only, false, [](P, S) { return 0; },
     [](P, S, int v) { return v == 0 ? 0 : ENOPROTOOPT; }},
});

// nullptr: no such option, or not for such a socket.
const Row* find_row(const Socket& s, int level, int option) {
  if (level == kIpprotoIpv6 && s.domain != kAfInet6) return nullptr;
  const auto found = std::ranges::find_if(
      kRows, [&](const Row& r) { return r.level == level && r.option == option; });
  if (found == kRows.end() || (found->streams_only && !s.stream)) return nullptr;
  return &*found;
}

// As much of the value as fits; `length` says how much that is.
template <class T>
Result give(const T& value, std::span<uint8_t> into, uint32_t& length) {
  const auto room = std::min({into.size(), size_t{length}, sizeof(T)});
  std::memcpy(into.data(), &value, room);
  length = static_cast<uint32_t>(room);
  return success();
}

template <class T>
std::optional<T> take(std::span<const uint8_t> value) {
  if (value.size() < sizeof(T)) return std::nullopt;
  T out;
  std::memcpy(&out, value.data(), sizeof(T));
  return out;
}

TimeValue time_value(Duration d) {
  return {d.to_s(), d.to_us() % 1'000'000};
}

Result set_time(Duration& which, std::span<const uint8_t> value) {
  constexpr int64_t kLongest = 1'000'000'000;  // seconds: beyond any use, and no overflow
  const auto t = take<TimeValue>(value);
  if (!t) return failure(EINVAL);
  const bool sound = t->seconds >= 0 && t->seconds <= kLongest && t->microseconds >= 0
                     && t->microseconds < 1'000'000;
  if (!sound) return failure(EDOM);
  which = t->seconds * 1_s + t->microseconds * 1_us;
  return success();
}

Result set_linger(Process& p, Socket& s, std::span<const uint8_t> value) {
  const auto l = take<Linger>(value);
  if (!l) return failure(EINVAL);
  const int why = change(p, s, [&] {
    s.options.linger = l->onoff != 0;
    s.options.linger_time = std::clamp(l->linger, 0, INT_MAX) * 1_s;
  });
  return why == 0 ? success() : failure(why);
}

Linger linger_of(const Socket& s) {
  return {s.options.linger ? 1 : 0, static_cast<int32_t>(s.options.linger_time.to_s())};
}

Result answer_ioctl(Process& p, const Socket& s, int request, int& value) {
  const auto status = status_of(p, s);
  const tcp::Status none;
  const tcp::Status& st = status ? *status : none;
  const uint32_t flight = (st.snd_nxt - st.snd_una).v;
  switch (request) {
    case kTiocoutq: value = octets(st.send_queue); break;
    case kSiocoutqnsd:
      value = static_cast<int>(st.send_queue.v - std::min(st.send_queue.v, flight));
      break;
    case kFionspace: value = octets(saturating_sub(s.options.send_buffer, st.send_queue)); break;
    case kSiocatmark: value = st.urgent_ahead == 1_B ? 1 : 0; break;
    default: return failure(ENOTTY);
  }
  return success();
}

// The next datagram's text, or all unread text of a stream.
Result count_unread(Process& p, const Socket& s, int& value) {
  if (s.phase == Phase::Listening) return failure(EINVAL);
  value = 0;
  if (const auto status = status_of(p, s)) {
    value = octets(status->receive_queue);
  } else if (!s.stream && s.handle) {
    const auto waiting = p.stack.command(udp::GetStatus{s.handle}, p.now);
    if (waiting) value = octets(waiting->next);
  }
  return success();
}

}  // namespace

Result Sockets::getsockopt(int fd, int level, int option, std::span<uint8_t> value,
                           uint32_t& length) {
  Process& p = *process_;
  int why = 0;
  Socket* s = find_socket(p, fd, why);
  if (s == nullptr) return failure(why);
  (void)take_events(p);
  if (level == kSolSocket) {
    if (option == kSoLinger) return give(linger_of(*s), value, length);
    if (option == kSoRcvtimeo) return give(time_value(s->receive_timeout), value, length);
    if (option == kSoSndtimeo) return give(time_value(s->send_timeout), value, length);
  }
  if (level == kIpprotoTcp && option == kTcpInfo && s->stream) {
    const auto status = status_of(p, *s);
    return give(status ? tcp_info_of(*status) : TcpInfo{}, value, length);
  }
  const Row* row = find_row(*s, level, option);
  if (row == nullptr) return failure(ENOPROTOOPT);
  return give(row->get(p, *s), value, length);
}

Result Sockets::setsockopt(int fd, int level, int option, std::span<const uint8_t> value) {
  Process& p = *process_;
  int why = 0;
  Socket* s = find_socket(p, fd, why);
  if (s == nullptr) return failure(why);
  (void)take_events(p);
  if (level == kSolSocket) {
    if (option == kSoLinger) return set_linger(p, *s, value);
    if (option == kSoRcvtimeo) return set_time(s->receive_timeout, value);
    if (option == kSoSndtimeo) return set_time(s->send_timeout, value);
  }
  const Row* row = find_row(*s, level, option);
  if (row == nullptr || row->set == nullptr) return failure(ENOPROTOOPT);
  const auto v = take<int>(value);
  if (!v) return failure(EINVAL);
  why = row->set(p, *s, *v);
  return why == 0 ? success() : failure(why);
}

Result Sockets::ioctl(int fd, int request, int& value) {
  Process& p = *process_;
  File* f = find_file(p, fd);
  if (f == nullptr) return failure(EBADF);
  if (request == kFionbio) {
    f->nonblocking = value != 0;
    return success();
  }
  if (!f->socket) return failure(ENOTTY);
  (void)take_events(p);
  if (request == kFionread) return count_unread(p, *f->socket, value);
  if (!f->socket->stream) return failure(ENOTTY);
  return answer_ioctl(p, *f->socket, request, value);
}

}  // namespace rapport::posix
