// ASSERT: a broken promise of our own code ends the process with the place and the promise.
// Bad input from outside never reaches it: that is Malformed, DropReason or Error.
#pragma once

namespace rapport {

// Prints `file:line: broken promise: text` to standard error and aborts. Never returns.
[[noreturn]] void assertion_failed(const char* promise, const char* file, int line);

}  // namespace rapport

// The only macro of rapport/: it needs the text and the place of the promise.
#define ASSERT(promise) \
  ((promise) ? static_cast<void>(0) : ::rapport::assertion_failed(#promise, __FILE__, __LINE__))
