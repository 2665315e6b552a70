// Calls that make, name and end sockets.
#include "rapport/play/calls.hh"
#include "rapport/play/calls_work.hh"
#include "rapport/play/script.hh"
#include "rapport/play/words.hh"
#include "rapport/socket/posix/constants.hh"
#include "rapport/socket/posix/sockets.hh"
#include "rapport/socket/posix/types.hh"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace rapport::play {

using posix::Result;

Result Calls::do_socket(Work& w) {
  w.makes_descriptor = true;
  const auto domain = stated(&w.argument(0)).value_or(addresses_.family);
  const auto protocol = stated(&w.argument(2)).value_or(0);
  return sockets_.socket(static_cast<int>(domain), static_cast<int>(value_of(w.argument(1))),
                         static_cast<int>(protocol));
}

Result Calls::do_bind(Work& w) {
  w.fd = descriptor(w, 0);
  const auto to = address(w, 1, addresses_.bind);
  const Result r = sockets_.bind(w.fd, to);
  if (r.ok()) bound_ = to.at;
  return r;
}

Result Calls::do_listen(Work& w) {
  w.fd = descriptor(w, 0);
  return sockets_.listen(w.fd, static_cast<int>(value_of(w.argument(1))));
}

Result Calls::do_connect(Work& w) {
  w.fd = descriptor(w, 0);
  const auto to = address(w, 1, addresses_.connect);
  const Result r = sockets_.connect(w.fd, to);
  if (r.error == 0 || r.error == EINPROGRESS) {
    connected_ = w.fd;
    connects_ = true;
    peer_ = to.at;
  }
  return r;
}

Result Calls::do_accept(Work& w) {
  w.makes_descriptor = true;
  w.fd = descriptor(w, 0);
  if (w.call->name == "accept") return sockets_.accept(w.fd, &w.name);
  return sockets_.accept4(w.fd, &w.name, static_cast<int>(value_of(w.argument(3))));
}

Result Calls::do_names(Work& w) {
  w.fd = descriptor(w, 0);
  const Result r = w.call->name == "getpeername" ? sockets_.getpeername(w.fd, w.name)
                                                 : sockets_.getsockname(w.fd, w.name);
  if (w.call->arguments.size() < 2 || w.argument(1).kind == Expr::Kind::Ellipsis) return r;
  const auto wanted = address_of(pointed_to(w.argument(1)), w.name);
  w.check = [wanted, &w](const Result&) {
    return wanted == w.name ? std::string{} : "the address " + to_string(w.name.at);
  };
  return r;
}

Result Calls::do_shutdown(Work& w) {
  w.fd = descriptor(w, 0);
  return sockets_.shutdown(w.fd, static_cast<int>(value_of(w.argument(1))));
}

Result Calls::do_close(Work& w) {
  w.fd = descriptor(w, 0);
  const Handle handle = sockets_.handle_of(w.fd);
  const Result r = sockets_.close(w.fd);
  if (r.ok() && w.fd == connected_) {
    connected_ = -1;
    left_ = handle;
  }
  if (r.ok()) std::erase_if(descriptors_, [&w](const auto& d) { return d.second == w.fd; });
  if (r.ok()) written_.erase(w.fd);
  return r;
}

Result Calls::do_fcntl(Work& w) {
  w.fd = descriptor(w, 0);
  const int argument = w.call->arguments.size() > 2 ? static_cast<int>(value_of(w.argument(2))) : 0;
  return sockets_.fcntl(w.fd, static_cast<int>(value_of(w.argument(1))), argument);
}

Result Calls::do_ioctl(Work& w) {
  w.fd = descriptor(w, 0);
  const Expr& out = pointed_to(w.argument(2));
  const auto wanted = stated(&out);
  int value = static_cast<int>(wanted.value_or(0));
  const int request = static_cast<int>(value_of(w.argument(1)));
  const Result r = sockets_.ioctl(w.fd, request, value);
  if (wanted && request != posix::kFionbio) {
    w.check = [wanted = *wanted, value](const Result&) {
      return wanted == value ? std::string{} : "the value " + std::to_string(value);
    };
  }
  return r;
}

}  // namespace rapport::play
