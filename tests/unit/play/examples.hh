// Three whole scripts, and short ways to parse texts.
#pragma once

#include "rapport/play/parse.hh"
#include "rapport/play/script.hh"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace rapport::play {

inline constexpr std::string_view kPassiveOpen = R"(
0.0  socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0   bind(3, ..., ...) = 0
+0   listen(3, 5) = 0
+0.2 <  S  7000:7000(0) win 8192 <mss 1200>
+0   >  S. 0:0(0) ack 7001 <mss 1460>
// from here on numbers count from the ISN: 7001 is written 1
+0.2 <  .  1:1(0) ack 1 win 8192
+0   accept(3, ..., ...) = 9
+0.1 <  P. 1:2(1) ack 1 win 8192
+0~+0.5 > . 1:1(0) ack 2
+0   read(9, ..., 16) = 1
)";

inline constexpr std::string_view kActiveClose = R"(
0.0  socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0...0.05 connect(3, ..., ...) = 0
+0   >  S  0:0(0) <...>
+.05 <  S. 0:0(0) ack 1 win 4000 <mss 1000>
+0   >  .  1:1(0) ack 1
+1   shutdown(3, SHUT_WR) = 0
+0   >  F. 1:1(0) ack 1
+0   %{ assert tcpi_state == TCP_FIN_WAIT1 }%
+.05 <  .  1:1(0) ack 2 win 4000
+0   %{ assert tcpi_state == TCP_FIN_WAIT2 }%
+.3  <  F. 1:1(0) ack 2 win 4000
+0   >  .  2:2(0) ack 2
+0   read(3, ..., 10) = 0
// a repeated FIN in TIME-WAIT is acknowledged again
+.2  <  F. 1:1(0) ack 2 win 4000
+0   >  .  2:2(0) ack 2
+0   close(3) = 0
)";

inline constexpr std::string_view kPassiveClose = R"(
0.0  socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0   bind(3, ..., ...) = 0
+0   listen(3, 1) = 0
+0   <  S  0:0(0) win 4000 <mss 1000>
+0   >  S. 0:0(0) ack 1 <...>
+.01 <  .  1:1(0) ack 1 win 4000
+0   accept(3, ..., ...) = 4
+0   close(3) = 0
+.1  <  F. 1:1(0) ack 1 win 4000
+0   >  .  1:1(0) ack 2
+0   read(4, ..., 10) = 0
+0   %{ assert tcpi_state == TCP_CLOSE_WAIT }%
+.1  close(4) = 0
+0   >  F. 1:1(0) ack 2
+.01 <  .  2:2(0) ack 2 win 4000
+.5  <  .  2:2(0) ack 2 win 4000
+0   >  R  2:2(0)
)";

// The tree of a text that must be a script.
inline Script parsed(std::string_view text, const ParseOptions& options = {}) {
  auto script = parse(text, options);
  if (script) return *std::move(script);
  ADD_FAILURE() << script.error().text() << "\n" << script.error().line_text;
  return {};
}

// The only event of a text that has one.
inline Event only_event(std::string_view text, const ParseOptions& options = {}) {
  Script script = parsed(text, options);
  EXPECT_EQ(script.events.size(), 1U);
  return script.events.empty() ? Event{} : std::move(script.events.front());
}

inline Packet packet_of(std::string_view text, const ParseOptions& options = {}) {
  const Event event = only_event(text, options);
  const Packet* packet = event.packet();
  EXPECT_NE(packet, nullptr);
  return packet == nullptr ? Packet{} : *packet;
}

inline TcpSegment segment_of(std::string_view text, const ParseOptions& options = {}) {
  const Packet packet = packet_of(text, options);
  const auto* segment = std::get_if<TcpSegment>(&packet.body);
  EXPECT_NE(segment, nullptr);
  return segment == nullptr ? TcpSegment{} : *segment;
}

inline Syscall call_of(std::string_view text) {
  const Event event = only_event(text);
  const Syscall* call = event.syscall();
  EXPECT_NE(call, nullptr);
  return call == nullptr ? Syscall{} : *call;
}

// "LINE:COLUMN: expected ..., found ..." of a text that must not be a script.
inline std::string error_of(std::string_view text, const ParseOptions& options = {}) {
  const auto script = parse(text, options);
  if (script) return "no error";
  const std::string whole = script.error().text();
  EXPECT_TRUE(whole.starts_with(std::string{options.file} + ":")) << whole;
  return whole.substr(options.file.size() + 1);
}

}  // namespace rapport::play
