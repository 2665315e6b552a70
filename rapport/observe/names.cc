// The words of names.hh.
#include "rapport/observe/names.hh"

#include "rapport/base/time.hh"
#include "rapport/base/trace.hh"
#include "rapport/wire/tcp.hh"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace rapport::observe {

namespace {

template <class Enum, size_t N>
std::string_view pick(const std::array<std::string_view, N>& all, Enum e) {
  const auto i = static_cast<size_t>(e);
  return i < N ? all[i] : std::string_view("unknown");
}

}  // namespace

std::string_view name(TraceKind k) {
  static constexpr std::array<std::string_view, 9> kAll{
      "segment", "transition", "timer", "options", "drop", "call", "sample", "ended", "icmp"};
  return pick(kAll, k);
}

std::string_view name(Direction d) {
  static constexpr std::array<std::string_view, 2> kAll{"sent", "received"};
  return pick(kAll, d);
}

std::string_view name(SendCause c) {
  static constexpr std::array<std::string_view, 4> kAll{"stack", "call", "timer", "answer"};
  return pick(kAll, c);
}

std::string_view name(TimerKind t) {
  static constexpr std::array<std::string_view, 11> kAll{
      "retransmission", "syn-retransmission", "delayed-ack", "persist",
      "keep-alive",     "user-timeout",       "time-wait",   "fin-wait-2",
      "linger",         "silly-window",       "half-open"};
  return pick(kAll, t);
}

std::string_view name(wire::IcmpKind k) {
  static constexpr std::array<std::string_view, 13> kAll{"unknown",
                                                         "net-unreachable",
                                                         "host-unreachable",
                                                         "protocol-unreachable",
                                                         "port-unreachable",
                                                         "packet-too-big",
                                                         "source-route-failed",
                                                         "admin-prohibited",
                                                         "time-exceeded-transit",
                                                         "time-exceeded-reassembly",
                                                         "parameter-problem",
                                                         "source-quench",
                                                         "redirect"};
  return pick(kAll, k);
}

std::string_view name(CallKind c) {
  static constexpr std::array<std::string_view, 11> kAll{
      "open-active", "open-passive", "accept",     "send",   "receive",       "shutdown-write",
      "close",       "abort",        "set-option", "status", "close-listener"};
  return pick(kAll, c);
}

std::string_view words(TimerKind t) {
  static constexpr std::array<std::string_view, 11> kAll{"retransmission timer",
                                                         "SYN retransmission timer",
                                                         "delayed-ACK timer",
                                                         "persist timer",
                                                         "keep-alive timer",
                                                         "user timeout",
                                                         "2MSL timer",
                                                         "FIN-WAIT-2 timer",
                                                         "linger timer",
                                                         "silly-window timer",
                                                         "SYN,ACK retransmission timer"};
  return pick(kAll, t);
}

std::string_view words(CallKind c) {
  static constexpr std::array<std::string_view, 11> kAll{
      "connect()", "listen()", "accept()",   "send",   "read",          "shutdown(write)",
      "close()",   "abort()",  "set option", "status", "close listener"};
  return pick(kAll, c);
}

std::string flag_words(uint8_t flags) {
  struct Bit {
    wire::Flags flag;
    std::string_view word;
  };

  static constexpr std::array<Bit, 8> kBits{{{wire::kSyn, "SYN"},
                                             {wire::kFin, "FIN"},
                                             {wire::kRst, "RST"},
                                             {wire::kPsh, "PSH"},
                                             {wire::kUrg, "URG"},
                                             {wire::kEce, "ECE"},
                                             {wire::kCwr, "CWR"},
                                             {wire::kAck, "ACK"}}};
  std::string out;
  for (const Bit& b : kBits) {
    if ((flags & b.flag.v) == 0) continue;
    if (!out.empty()) out += ',';
    out += b.word;
  }
  return out.empty() ? "none" : out;
}

std::string clause_of(const TraceTransition& t) {
  const char* const end = std::ranges::find(t.clause, '\0');
  return {t.clause, end};
}

std::string seconds(int64_t ns) {
  const int64_t ms = ns / 1'000'000;
  return fmt::format("{}.{:03}", ms / 1000, ms % 1000);
}

std::string length_words(Duration d) {
  const int64_t ms = d.to_ms();
  if (ms < 1000) return fmt::format("{} ms", ms);
  if (ms % 3'600'000 == 0) return fmt::format("{} h", ms / 3'600'000);
  std::string s = seconds(d);
  while (s.back() == '0') s.pop_back();
  if (s.back() == '.') s.pop_back();
  return s + " s";
}

std::string ordinal(uint32_t n) {
  const uint32_t tens = n % 100;
  std::string_view ending = "th";
  if (tens < 11 || tens > 13) {
    if (n % 10 == 1) ending = "st";
    if (n % 10 == 2) ending = "nd";
    if (n % 10 == 3) ending = "rd";
  }
  return fmt::format("{}{}", n, ending);
}

std::string counted(uint64_t n, std::string_view noun) {
  return fmt::format("{} {}{}", n, noun, n == 1 ? "" : "s");
}

}  // namespace rapport::observe
