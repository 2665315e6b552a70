// Recorder: who is told of everything that a Stack is asked, and of what came of it, so that the
// same can be asked of another Stack later (rapport/sim/record/). Besides the
// inputs there are the outputs that change state as they are taken: a frame (debts are settled on
// the way), an event, a deadline. Nothing else changes a Stack, but the number of buffers that its
// pool has left, which a Recorder may ask before each of them. Nobody listening costs a branch.
#pragma once

#include "rapport/base/frame.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/base/time.hh"
#include "rapport/tcp/commands.hh"
#include "rapport/udp/commands.hh"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <type_traits>
#include <utility>
#include <variant>

namespace rapport::stack {

class Stack;

struct Receiving {
  std::span<const Frame> burst;  // as they came in
  uint16_t interface = 0;
};

struct Expiring {};

struct Draining {
  Instant deadline;
};

struct TakingFrame {};

struct TakingEvent {};

// next_deadline() with debts to settle.
struct Settling {};

// What a Stack is asked. Spans and pointers are those of the caller. Files count on this order: a
// new one goes to the end of its group, and the version of the files rises.
using Asked = std::variant<Receiving, Expiring, Draining,                         // inputs
                           tcp::Connect, tcp::Listen, tcp::Accept, tcp::Send,     // commands
                           tcp::SendBorrowed, tcp::Receive, tcp::Consume,         //
                           tcp::ShutdownWrite, tcp::Close, tcp::Abort,            //
                           tcp::CloseListener, tcp::SetOptions, tcp::SetBacklog,  //
                           tcp::GetStatus, udp::Open, udp::Connect, udp::SendTo,  //
                           udp::ReceiveFrom, udp::CloseSocket, udp::SetOptions,   //
                           udp::GetStatus, TakingFrame, TakingEvent, Settling>;   // outputs

inline constexpr size_t kOutputsAsked = 3;
inline constexpr size_t kInputsAsked = std::variant_size_v<Asked> - kOutputsAsked;

struct FrameTaken {
  const Frame* frame = nullptr;  // a false one when there was none
  uint16_t interface = 0;
};

// `event` means something when `any`.
struct EventTaken {
  bool any = false;
  tcp::Occurrence event;
};

// What came of it. `text`: what Receive and ReceiveFrom copied out.
struct Answer {
  using Result = std::variant<std::monostate, Error, Handle, ByteCount, tcp::Status, udp::Received,
                              udp::Status, FrameTaken, EventTaken>;
  Result result;
  std::span<const uint8_t> text;
};

// Asks nothing of the stack but its questions, and nothing at all in before(). It may end before
// the stack does, but not within one of these calls.
class Recorder {
 public:
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  // First, from Stack::record(). Both are there at every call.
  virtual void begins(const Stack& stack, const FramePool& frames) = 0;
  // Just before it is carried out; should that be the end of the process, this was told.
  // TakingFrame and TakingEvent have the time of the input before them.
  virtual void before(const Asked& asked, Instant now) = 0;
  virtual void after(const Answer& answer) = 0;

 protected:
  Recorder() = default;
  ~Recorder();

 private:
  friend class Stack;

  Stack* listens_to_ = nullptr;  // which knows of it, too
};

template <class T>
[[nodiscard]] Answer answer_of(const std::expected<T, Error>& result) {
  if (!result) return {result.error(), {}};
  if constexpr (std::is_void_v<T>) {
    return {};
  } else {
    return {*result, {}};
  }
}

// With what was copied out for the command.
template <class Command, class T>
[[nodiscard]] Answer answer_to(const Command& command, const std::expected<T, Error>& result) {
  Answer answer = answer_of(result);
  if constexpr (std::is_same_v<Command, tcp::Receive>) {
    if (result) answer.text = command.into.first(result->v);
  } else if constexpr (std::is_same_v<Command, udp::ReceiveFrom>) {
    if (result) answer.text = command.into.first(result->octets.v);
  }
  return answer;
}

// Carries out `work`, which takes nothing and returns an expected, and tells `recorder` of it.
template <class Command, class Work>
auto carry_out_recorded(Recorder& recorder, const Command& command, Instant now, Work&& work) {
  recorder.before(command, now);
  auto result = std::forward<Work>(work)();
  recorder.after(answer_to(command, result));
  return result;
}

}  // namespace rapport::stack
