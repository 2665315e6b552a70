// Sleeping and gates.
#include "rapport/socket/coroutine/waiting.hh"

#include "rapport/base/time.hh"
#include "rapport/socket/coroutine/host.hh"
#include "rapport/socket/coroutine/operation.hh"

namespace rapport::coroutine {

SleepOperation::SleepOperation(Host& host, Instant until) : Operation(&host), until_(until) {
  expire_at(until);
}

bool SleepOperation::attempt() {
  return host()->now() >= until_;
}

bool GateOperation::attempt() {
  return gate_->is_open();
}

OperationList* GateOperation::source() {
  return &gate_->waiting_;
}

void Gate::open() {
  open_ = true;
  while (Operation* const op = waiting_.first()) op->end();
}

}  // namespace rapport::coroutine
