// The table of descriptors: POSIX gives out the lowest number that is free.
#include "rapport/base/address.hh"
#include "rapport/base/time.hh"
#include "rapport/socket/posix/process.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/config.hh"

#include <cerrno>
#include <cstddef>
#include <cstdint>

namespace rapport::posix {

Process::Process(stack::Stack& over, Instant at, const Settings& how)
    : stack(over),
      settings(how),
      now(at),
      ephemeral(over.config().tcp.ephemeral_first, over.config().tcp.ephemeral_last,
                over.config().tcp.reserved_ports),
      random(over.config().tcp.seed ^ 0x736f636b65747321ULL) {}

File* find_file(Process& p, int fd) {
  const int64_t i = int64_t{fd} - p.settings.first_descriptor;
  if (i < 0 || i >= static_cast<int64_t>(p.files.size())) return nullptr;
  File& f = p.files[static_cast<size_t>(i)];
  return f.serial == 0 ? nullptr : &f;
}

Socket* find_socket(Process& p, int fd, int& why) {
  File* f = find_file(p, fd);
  why = f == nullptr ? EBADF : ENOTSOCK;
  return f == nullptr ? nullptr : f->socket.get();
}

int open_file(Process& p) {
  size_t i = 0;
  if (p.open == p.files.size()) {
    i = p.files.size();
  } else {
    while (p.files[i].serial != 0) ++i;
  }
  if (i >= p.settings.descriptors) return -1;
  if (i == p.files.size()) p.files.emplace_back();
  p.files[i].serial = ++p.serials;
  ++p.open;
  return p.settings.first_descriptor + static_cast<int>(i);
}

void free_file(Process& p, int fd) {
  *find_file(p, fd) = File{};
  --p.open;
}

uint64_t new_cookie(Process& p, int fd) {
  return ++p.serials << 32 | static_cast<uint32_t>(fd);
}

}  // namespace rapport::posix
