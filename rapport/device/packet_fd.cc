// PacketFd: bursts as single non-blocking reads and writes. See packet_fd.hh.
#include "rapport/device/packet_fd.hh"

#include "rapport/base/frame.hh"
#include "rapport/device/descriptor.hh"
#include "rapport/device/device.hh"

#include <cerrno>
#include <cstddef>
#include <span>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace rapport::device {
namespace {

// The descriptor will never work again: its interface was deleted, or its other end closed.
bool is_final(int error) {
  return error == EBADFD || error == EBADF || error == EFAULT || error == ENODEV || error == ENXIO
         || error == EPIPE || error == ECONNRESET || error == ENOTCONN;
}

template <class Call>
ssize_t uninterrupted(Call call) {
  ssize_t n = call();
  while (n < 0 && errno == EINTR) n = call();
  return n;
}

}  // namespace

PacketFd::PacketFd(Descriptor fd, Link link) : fd_(std::move(fd)), link_(link) {
  const int flags = ::fcntl(fd_.get(), F_GETFL);
  if (flags < 0 || ::fcntl(fd_.get(), F_SETFL, flags | O_NONBLOCK) < 0) gone_ = true;
}

size_t PacketFd::receive(FramePool& pool, std::span<Frame> into, const BurstLimit& limit) {
  size_t n = 0;
  size_t octets = 0;
  while (n < into.size() && octets < limit.octets && !gone_) {
    Frame frame = pool.allocate(limit.headroom);
    if (!frame) {
      ++counters_.starved;
      break;
    }
    const ssize_t got =
        uninterrupted([&] { return ::read(fd_.get(), frame.data(), frame.tailroom()); });
    if (got > 0) {
      frame.reshape(limit.headroom, static_cast<size_t>(got));
      octets += frame.size();
      into[n++] = std::move(frame);
      continue;
    }
    if (got == 0) gone_ = true;  // the other end of a pair has closed
    if (got < 0 && errno != EAGAIN) {
      ++counters_.read_errors;
      gone_ = is_final(errno);
    }
    break;
  }
  counters_.frames_in += n;
  counters_.octets_in += octets;
  return n;
}

size_t PacketFd::send(std::span<Frame> burst) {
  size_t taken = 0;
  for (Frame& frame : burst) {
    const ssize_t put =
        gone_ ? -1 : uninterrupted([&] { return ::write(fd_.get(), frame.data(), frame.size()); });
    if (put >= 0) {
      ++counters_.frames_out;
      counters_.octets_out += frame.size();
    } else {
      if (!gone_ && errno == EAGAIN) {
        ++counters_.waits_for_room;
        break;
      }
      ++counters_.write_errors;  // EIO while the interface is down: lost like on a wire
      gone_ = gone_ || is_final(errno);
    }
    frame.reset();
    ++taken;
  }
  return taken;
}

}  // namespace rapport::device
