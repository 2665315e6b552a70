// Calls: the script's system calls carried out on posix::Sockets, arguments from its words, results
// held against what it expects. One call may block at a time. What is not known is Unsupported,
// never right. No call reaches the host's own kernel.
#pragma once

#include "rapport/base/address.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/time.hh"
#include "rapport/play/script.hh"
#include "rapport/socket/posix/sockets.hh"
#include "rapport/socket/posix/types.hh"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rapport::play {

struct Outcome {
  enum class Kind : uint8_t {
    Right,
    Blocks,       // under way
    Wrong,        // `expected`, `saw`
    Unsupported,  // `saw`: what is not known
  };
  Kind kind = Kind::Right;
  std::string expected{}, saw{};
};

// What "..." stands for.
struct Addresses {
  int family = posix::kAfInet;
  posix::SocketAddress bind;     // where bind() binds
  posix::SocketAddress connect;  // whom connect() and sendto() mean
};

// What SO_SNDBUF and SO_RCVBUF may ask for. That systems treat more in different ways is why a call
// that does is Unsupported.
struct BufferLimits {
  int64_t send = INT64_MAX, receive = INT64_MAX;
};

class Calls {
 public:
  Calls(posix::Sockets& sockets, const Addresses& addresses, const BufferLimits& limits = {});
  ~Calls();
  Calls(const Calls&) = delete;
  Calls& operator=(const Calls&) = delete;

  [[nodiscard]] Outcome begin(const Syscall& call);
  // Goes on with the call that blocks: Blocks while it does.
  [[nodiscard]] Outcome go_on();
  // The call that blocks.
  [[nodiscard]] const Syscall* blocked() const;
  // Ends it, as a signal would.
  void give_up();
  // An errno that the script writes for another one; both as names. See rules.hh.
  using Alias = std::function<bool(const std::string& expected, const std::string& saw)>;

  void set_alias(Alias alias) { alias_ = std::move(alias); }

  // --- what the calls have led to ---
  // The connection that was made or accepted last, also when its descriptor is closed.
  [[nodiscard]] Handle connection() const {
    return connected_ < 0 ? left_ : sockets_.handle_of(connected_);
  }

  // The last connect(), if it was not asked for before.
  [[nodiscard]] bool take_connect() { return std::exchange(connects_, false); }

  // Whom the last connect() named.
  [[nodiscard]] const std::optional<Endpoint>& peer() const { return peer_; }

  // Where the socket that was bound last is.
  [[nodiscard]] const std::optional<Endpoint>& bound() const { return bound_; }

  // All that was ever written consists of zeros.
  [[nodiscard]] bool writes_zeros() const { return zeros_; }

  // What was written to a live descriptor so far.
  [[nodiscard]] const std::map<int, std::vector<uint8_t>>& written() const { return written_; }

 private:
  struct Work;
  using Body = posix::Result (Calls::*)(Work&);
  struct Entry;
  static const Entry* find(std::string_view name);

  [[nodiscard]] Outcome finish(const posix::Result& result);
  [[nodiscard]] Outcome judge(Work& w, const posix::Result& result);
  void take_effects(const Work& w, const posix::Result& result);

  [[nodiscard]] int descriptor(const Work& w, size_t argument) const;
  [[nodiscard]] int live(int64_t script) const;
  [[nodiscard]] posix::SocketAddress address(const Work& w, size_t argument,
                                             const posix::SocketAddress& usual) const;

  posix::Result do_socket(Work& w);
  posix::Result do_bind(Work& w);
  posix::Result do_listen(Work& w);
  posix::Result do_connect(Work& w);
  posix::Result do_accept(Work& w);
  posix::Result do_names(Work& w);
  posix::Result do_read(Work& w);
  posix::Result do_readv(Work& w);
  posix::Result do_recvmsg(Work& w);
  posix::Result do_write(Work& w);
  posix::Result do_writev(Work& w);
  posix::Result do_sendmsg(Work& w);
  posix::Result do_shutdown(Work& w);
  posix::Result do_close(Work& w);
  posix::Result do_fcntl(Work& w);
  posix::Result do_ioctl(Work& w);
  posix::Result do_getsockopt(Work& w);
  posix::Result do_setsockopt(Work& w);
  posix::Result do_poll(Work& w);
  posix::Result do_epoll_create(Work& w);
  posix::Result do_epoll_ctl(Work& w);
  posix::Result do_epoll_wait(Work& w);

  posix::Sockets& sockets_;
  Addresses addresses_;
  BufferLimits limits_;
  Alias alias_;
  std::map<int64_t, int> descriptors_;  // script's -> live
  std::unique_ptr<Work> work_;          // the call at hand
  int connected_ = -1;                  // live
  Handle left_;                         // its connection, after close()
  bool connects_ = false;
  std::optional<Endpoint> bound_, peer_;
  bool zeros_ = true;
  std::map<int, std::vector<uint8_t>> written_;
};

}  // namespace rapport::play
