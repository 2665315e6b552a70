// Gate: programs wait until another one opens it. For tests and scenarios in which one host's
// program must not go on before another's; it carries nothing and takes no time.
#pragma once

#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/socket/coroutine/operation.hh"

#include <expected>

namespace rapport::coroutine {

// Ends when its time has come, or early by cancel().
class [[nodiscard]] SleepOperation final : public Operation {
 public:
  SleepOperation(Host& host, Instant until);

  void await_resume() const {}

 private:
  bool attempt() override;

  void fail(Error /*e*/) override {}

  OperationList* source() override { return nullptr; }

  Instant until_;
};

class Gate;

// Result: nothing; Error by cancel() or a time limit. The gate must outlive it.
class [[nodiscard]] GateOperation final : public Operation {
 public:
  GateOperation(Host& host, Gate& gate) : Operation(&host), gate_(&gate) {}

  std::expected<void, Error> await_resume() { return result_; }

 private:
  bool attempt() override;

  void fail(Error e) override { result_ = std::unexpected(e); }

  OperationList* source() override;

  Gate* gate_;
  std::expected<void, Error> result_;
};

class Gate {
 public:
  Gate() = default;
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  // Everybody who waits goes on, at the next run_ready() of their own hosts; later ones do not
  // wait.
  void open();

  [[nodiscard]] bool is_open() const { return open_; }

  GateOperation wait(Host& host) { return {host, *this}; }

 private:
  friend class GateOperation;
  bool open_ = false;
  OperationList waiting_;
};

}  // namespace rapport::coroutine
