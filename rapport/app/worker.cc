// Starting, hearing and ending processes.
#include "rapport/app/worker.hh"

#include "rapport/app/verbs.hh"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace rapport::app {

namespace {

// An exception ends the process here: what stands above on the stack belongs to its parent.
[[noreturn]] void live(const std::function<void(const WayBack&)>& work, int to,
                       pid_t parent) noexcept {
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(EXIT_FAILURE);
  work(WayBack(to));
  ::_exit(EXIT_SUCCESS);
}

int wait_for(pid_t process) {
  int status = 0;
  while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

std::string trouble_of(int status) {
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    return fmt::format("killed by signal {} ({})", signal, ::strsignal(signal));
  }
  const int code = WEXITSTATUS(status);
  return code == 0 ? "" : fmt::format("ended with status {}", code);
}

}  // namespace

void WayBack::tell(std::span<const uint8_t> octets) const {
  while (!octets.empty()) {
    const ssize_t n = ::write(file_, octets.data(), octets.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) ::_exit(EXIT_FAILURE);
    octets = octets.subspan(static_cast<size_t>(n));
  }
}

Worker::Worker(const std::function<void(const WayBack&)>& work) {
  std::array<int, 2> ends{-1, -1};
  if (::pipe(ends.data()) != 0) throw Failure("no pipe: " + reason(errno));
  (void)std::fflush(nullptr);
  const pid_t parent = ::getpid();
  process_ = ::fork();
  if (process_ == 0) {
    (void)::close(ends[0]);
    live(work, ends[1], parent);
  }
  const int code = errno;
  (void)::close(ends[1]);
  from_ = ends[0];
  if (process_ < 0) {
    (void)::close(from_);
    throw Failure("no process: " + reason(code));
  }
}

Worker::~Worker() {
  if (from_ >= 0) (void)::close(from_);
  if (process_ <= 0) return;
  (void)::kill(process_, SIGKILL);
  (void)wait_for(process_);
}

Worker::End Worker::finish() {
  End end;
  std::array<uint8_t, 65536> block{};
  while (true) {
    const ssize_t got = ::read(from_, block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    end.told.insert(end.told.end(), block.begin(), block.begin() + got);
  }
  (void)::close(std::exchange(from_, -1));
  end.trouble = trouble_of(wait_for(std::exchange(process_, 0)));
  return end;
}

void* shared_memory(size_t octets) {
  void* const at =
      ::mmap(nullptr, octets, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) throw Failure("no memory to share: " + reason(errno));
  return at;
}

void unshare_memory(void* at, size_t octets) {
  (void)::munmap(at, octets);
}

}  // namespace rapport::app
