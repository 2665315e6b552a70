// The end of a process that broke its own promise. Uses nothing that could allocate.
#include "rapport/base/assert.hh"

#include <cstdio>
#include <cstdlib>

namespace rapport {

void assertion_failed(const char* promise, const char* file, int line) {
  (void)std::fprintf(stderr, "%s:%d: broken promise: %s\n", file, line, promise);
  std::abort();
}

}  // namespace rapport
