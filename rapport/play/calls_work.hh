// Work: one call at hand, with everything that must stay where it is while it blocks. Private to
// the files of Calls.
#pragma once

#include "rapport/play/calls.hh"
#include "rapport/play/script.hh"
#include "rapport/socket/posix/types.hh"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace rapport::play {

struct Calls::Work {
  const Syscall* call = nullptr;
  uint64_t ticket = 0;
  int fd = -1;                    // live
  bool makes_descriptor = false;  // its result names one
  std::vector<uint8_t> data;      // to be sent by a stream: all parts in order
  std::vector<std::vector<uint8_t>> buffers;
  std::vector<posix::Part> parts;
  std::vector<posix::ConstPart> const_parts;
  posix::SocketAddress name;
  posix::ReceiveMessage received{};
  posix::SendMessage sent{};
  std::vector<posix::PollEntry> polls;
  std::vector<posix::EpollEvent> events;
  // After success: empty when what the call has put out is what is expected, else what was seen.
  std::function<std::string(const posix::Result&)> check;

  [[nodiscard]] const Expr& argument(size_t i) const { return call->arguments.at(i); }
};

}  // namespace rapport::play
