// Channel: what a Host keeps of one connection or listener that a program holds: its handle, how it
// ended, and who waits for what. Shared by the Stream and the operations under way on it, so that a
// Stream may be destroyed while another coroutine still waits on it.
#pragma once

#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/socket/coroutine/operation.hh"
#include "rapport/tcp/commands.hh"

#include <cstdint>
#include <expected>

namespace rapport::stack {
class Stack;
}

namespace rapport::coroutine {

// The caller's view of an end: what a pending or later read or write answers.
[[nodiscard]] Error error_of(CloseReason r);
// Both sides closed as the book says.
[[nodiscard]] bool is_graceful(CloseReason r);

class Channel {
 public:
  Channel(Host& host, uint64_t cookie);
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  ~Channel();

  // An event of the stack: notes it and wakes those who waited for it.
  void occurred(const tcp::Occurrence& o);
  // CLOSE, once, if there is still something to close. Operations that wait end with Aborted.
  std::expected<void, Error> close();
  // Ends at once: whoever waits for the end learns AbortedByUs.
  std::expected<void, Error> abort();
  // close(), for those who have nobody to tell.
  void let_go();
  // Every waiting operation ends with Aborted.
  void cancel();
  // The machine died.
  void die();

  // nullptr when the machine died.
  [[nodiscard]] stack::Stack* stack() const;
  [[nodiscard]] Instant now() const;
  // The handle's answer "does not exist", in the light of how the connection ended.
  [[nodiscard]] Error explain(Error e) const;

  [[nodiscard]] Host* host() const { return host_; }

  [[nodiscard]] Handle handle() const { return handle_; }

  [[nodiscard]] uint64_t cookie() const { return cookie_; }

  [[nodiscard]] bool connected() const { return connected_; }

  [[nodiscard]] bool closing() const { return closing_; }

  [[nodiscard]] bool ended() const { return ended_; }

  [[nodiscard]] CloseReason reason() const { return reason_; }

  void opened(Handle h, bool listens) {
    handle_ = h;
    listens_ = listens;
  }

  OperationList openers, acceptors, readers, writers, closers;

 private:
  // Lets every operation of the list try again.
  void wake(OperationList& list);
  static void end_all(OperationList& list);

  Host* host_;
  uint64_t cookie_;
  Handle handle_;
  bool listens_ = false;
  bool connected_ = false;
  bool closing_ = false;
  bool ended_ = false;
  CloseReason reason_ = CloseReason::None;
};

}  // namespace rapport::coroutine
