// Operations in their queues: waiting at a source, in the timer queue, ready to be resumed.
#include "rapport/socket/coroutine/operation.hh"

#include "rapport/base/assert.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/socket/coroutine/host.hh"

#include <coroutine>

namespace rapport::coroutine {

void OperationList::push(Operation& op) {
  ASSERT(op.list_ == nullptr);
  op.list_ = this;
  op.previous_ = last_;
  op.next_ = nullptr;
  (last_ == nullptr ? first_ : last_->next_) = &op;
  last_ = &op;
}

void OperationList::remove(Operation& op) {
  ASSERT(op.list_ == this);
  (op.previous_ == nullptr ? first_ : op.previous_->next_) = op.next_;
  (op.next_ == nullptr ? last_ : op.next_->previous_) = op.previous_;
  op.list_ = nullptr;
  op.next_ = nullptr;
  op.previous_ = nullptr;
}

Operation::Operation(Operation&& o) noexcept : host_(o.host_), deadline_(o.deadline_) {
  ASSERT(!o.waiter_);
}

Operation::~Operation() {
  leave();
}

void Operation::leave() {
  if (list_ != nullptr) list_->remove(*this);
  if (timer_number_ != 0) host_->stop_timer(*this);
}

void Operation::await_suspend(std::coroutine_handle<> who) {
  waiter_ = who;
  OperationList* const at = source();
  ASSERT(at != nullptr || deadline_ != kNever);
  if (at != nullptr) at->push(*this);
  if (deadline_ != kNever) host_->start_timer(*this);
}

void Operation::end() {
  leave();
  host_->make_ready(*this);
}

void Operation::end_with(Error e) {
  leave();
  fail(e);
  host_->make_ready(*this);
}

bool Operation::is_waiting() const {
  return waiter_ && !ready_;
}

void Operation::cancel() {
  if (is_waiting()) end_with(Error::Aborted);
}

}  // namespace rapport::coroutine
