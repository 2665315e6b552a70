// Carrying out calls: the table of them, and what is the same for all. What each one does with its
// arguments is in calls_data.cc, calls_open.cc and calls_options.cc.
#include "rapport/play/calls.hh"

#include "rapport/play/calls_work.hh"
#include "rapport/play/script.hh"
#include "rapport/play/words.hh"
#include "rapport/socket/posix/names.hh"
#include "rapport/socket/posix/sockets.hh"
#include "rapport/socket/posix/types.hh"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace rapport::play {

namespace {

constexpr int kNotOpen = 1 << 30;  // what a name stands for that is none of a descriptor

std::string told(const posix::Result& r) {
  if (r.blocked()) return "a call that blocks";
  if (r.error != 0) return "-1 " + errno_text(r.error);
  return std::to_string(r.value);
}

std::string wanted(const Syscall& call) {
  const std::string value = text_of(call.result);
  return call.error.empty() ? value : value + " " + call.error;
}

}  // namespace

struct Calls::Entry {
  std::string_view name;
  size_t least;  // arguments
  Body body;
};

const Calls::Entry* Calls::find(std::string_view name) {
  static constexpr Entry kEntries[] = {
      {"accept", 1, &Calls::do_accept},
      {"accept4", 4, &Calls::do_accept},
      {"bind", 2, &Calls::do_bind},
      {"close", 1, &Calls::do_close},
      {"connect", 2, &Calls::do_connect},
      {"epoll_create", 1, &Calls::do_epoll_create},
      {"epoll_create1", 1, &Calls::do_epoll_create},
      {"epoll_ctl", 4, &Calls::do_epoll_ctl},
      {"epoll_wait", 4, &Calls::do_epoll_wait},
      {"fcntl", 2, &Calls::do_fcntl},
      {"getpeername", 1, &Calls::do_names},
      {"getsockname", 1, &Calls::do_names},
      {"getsockopt", 4, &Calls::do_getsockopt},
      {"ioctl", 3, &Calls::do_ioctl},
      {"listen", 2, &Calls::do_listen},
      {"poll", 3, &Calls::do_poll},
      {"read", 3, &Calls::do_read},
      {"readv", 3, &Calls::do_readv},
      {"recv", 4, &Calls::do_read},
      {"recvfrom", 4, &Calls::do_read},
      {"recvmsg", 3, &Calls::do_recvmsg},
      {"send", 4, &Calls::do_write},
      {"sendmsg", 3, &Calls::do_sendmsg},
      {"sendto", 4, &Calls::do_write},
      {"setsockopt", 4, &Calls::do_setsockopt},
      {"shutdown", 2, &Calls::do_shutdown},
      {"socket", 3, &Calls::do_socket},
      {"write", 3, &Calls::do_write},
      {"writev", 3, &Calls::do_writev},
  };
  const auto at = std::ranges::find(kEntries, name, &Entry::name);
  return at == std::end(kEntries) ? nullptr : at;
}

Calls::Calls(posix::Sockets& sockets, const Addresses& addresses, const BufferLimits& limits)
    : sockets_(sockets), addresses_(addresses), limits_(limits) {}

Calls::~Calls() {
  give_up();
}

Outcome Calls::begin(const Syscall& call) {
  try {
    const Entry* entry = find(call.name);
    if (entry == nullptr) throw Unsupported("the call " + call.name + "()");
    if (call.arguments.size() < entry->least) {
      throw Unsupported(call.name + "() with " + std::to_string(call.arguments.size())
                        + " arguments");
    }
    if (!call.error.empty() && !posix::find_errno(call.error))
      throw Unsupported("the name " + call.error);
    work_ = std::make_unique<Work>();
    work_->call = &call;
    return finish((this->*entry->body)(*work_));
  } catch (const Unsupported& e) {
    work_.reset();
    return {Outcome::Kind::Unsupported, {}, e.what()};
  }
}

Outcome Calls::go_on() {
  try {
    return finish(sockets_.retry(work_->ticket));
  } catch (const Unsupported& e) {
    work_.reset();
    return {Outcome::Kind::Unsupported, {}, e.what()};
  }
}

const Syscall* Calls::blocked() const {
  return work_ ? work_->call : nullptr;
}

void Calls::give_up() {
  if (!work_) return;
  (void)sockets_.interrupt(work_->ticket);
  work_.reset();
}

Outcome Calls::finish(const posix::Result& result) {
  if (result.blocked()) {
    work_->ticket = result.ticket;
    return {Outcome::Kind::Blocks};
  }
  const auto work = std::move(work_);
  Outcome o = judge(*work, result);
  take_effects(*work, result);
  return o;
}

Outcome Calls::judge(Work& w, const posix::Result& result) {
  const Syscall& call = *w.call;
  const Outcome wrong{Outcome::Kind::Wrong, call.name + "() = " + wanted(call),
                      call.name + "() = " + told(result)};
  if (!call.error.empty()) {
    const int error = posix::find_errno(call.error).value_or(0);
    if (result.error == 0) return wrong;
    if (result.error == error) return {};
    return alias_ && alias_(call.error, errno_text(result.error)) ? Outcome{} : wrong;
  }
  if (call.result.kind != Expr::Kind::Ellipsis) {
    const int64_t value = value_of(call.result);
    // The result of a call that makes a descriptor is the script's name for it.
    const bool names = w.makes_descriptor && value >= 0;
    if (names ? result.error != 0 : result.value != value) return wrong;
  }
  if (result.error != 0 || !w.check) return {};
  std::string saw = w.check(result);
  if (saw.empty()) return {};
  return {Outcome::Kind::Wrong, call.name + "() as written", std::move(saw)};
}

void Calls::take_effects(const Work& w, const posix::Result& result) {
  if (result.error != 0 && result.error != EINPROGRESS) return;
  if (w.makes_descriptor && result.error == 0 && w.call->result.kind == Expr::Kind::Integer) {
    descriptors_[w.call->result.number] = static_cast<int>(result.value);
  }
  const std::string& name = w.call->name;
  if (name.starts_with("accept")) connected_ = static_cast<int>(result.value);
  if (result.error != 0 || w.data.empty() || result.value <= 0) return;
  const auto octets = std::min(w.data.size(), static_cast<size_t>(result.value));
  std::vector<uint8_t>& stream = written_[w.fd];
  stream.insert(stream.end(), w.data.begin(), w.data.begin() + static_cast<std::ptrdiff_t>(octets));
}

int Calls::live(int64_t script) const {
  if (script < 0) return -1;  // passed over by poll()
  const auto at = descriptors_.find(script);
  return at == descriptors_.end() ? kNotOpen : at->second;
}

int Calls::descriptor(const Work& w, size_t argument) const {
  return live(value_of(w.call->arguments.at(argument)));
}

posix::SocketAddress Calls::address(const Work& w, size_t argument,
                                    const posix::SocketAddress& usual) const {
  if (argument >= w.call->arguments.size()) return usual;
  return address_of(w.call->arguments[argument], usual);
}

}  // namespace rapport::play
