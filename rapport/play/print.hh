// Syntax trees -> text that the parser reads as the same trees. Remarks, conditional text and the
// names of defined words are not in a tree and so are not printed.
#pragma once

#include "rapport/base/time.hh"
#include "rapport/play/packet.hh"
#include "rapport/play/script.hh"

#include <string>

namespace rapport::play {

// One line an option, an event, a shell line; each ended by '\n'.
[[nodiscard]] std::string print(const Script& script);
// Without a line end: "+0.1 > S. 0:0(0) ack 1 <mss 1460>".
[[nodiscard]] std::string print(const Event& event);
[[nodiscard]] std::string print(const When& when);
[[nodiscard]] std::string print(const Packet& packet);
[[nodiscard]] std::string print(const TcpOption& option);
[[nodiscard]] std::string print(const Syscall& call);
[[nodiscard]] std::string print(const Expr& expr);
// Seconds: "0.000001", "12".
[[nodiscard]] std::string print(Duration time);

}  // namespace rapport::play
