// Chronicle: what happened on both sides of the wire, as the ladder reads it. The stack's side is
// its trace; the script's side has none and is written here, from what it injects and takes.
#pragma once

#include "rapport/base/time.hh"
#include "rapport/base/wire_record.hh"
#include "rapport/stack/stack.hh"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace rapport::play {

class Chronicle {
 public:
  explicit Chronicle(stack::Stack& stack);

  // Takes over what the stack has written since. Before and after every input.
  void drain();
  // A packet of the script goes to the stack; its number.
  uint32_t injected(std::span<const uint8_t> packet, Instant at);
  // A packet of the stack, `serial` by its own count, has arrived at the script.
  void arrived(std::span<const uint8_t> packet, uint32_t serial, Instant at);

  [[nodiscard]] std::string ladder(size_t width, bool ascii) const;

 private:
  void note(std::span<const uint8_t> packet, uint32_t serial, Instant at, bool sent);

  stack::Stack& stack_;
  std::vector<HostRecord> records_;
  std::vector<WireRecord> wires_;
  uint32_t next_ = 1;
};

}  // namespace rapport::play
