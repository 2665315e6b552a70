// Processes that work for this one. What breaks in one of them is lost alone, and none of them
// outlives this one: the kernel ends them with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

namespace rapport::app {

// What a worker has to tell goes back by this.
class WayBack {
 public:
  explicit WayBack(int file) : file_(file) {}

  // Ends the worker when nobody listens any more. At most PIPE_BUF octets are told in one piece.
  void tell(std::span<const uint8_t> octets) const;

 private:
  int file_;
};

class Worker {
 public:
  // Does `work` in a process of its own. Failure when there can be none. This process has one
  // thread.
  explicit Worker(const std::function<void(const WayBack&)>& work);

  Worker(Worker&& other) noexcept
      : process_(std::exchange(other.process_, 0)), from_(std::exchange(other.from_, -1)) {}

  Worker& operator=(Worker&&) = delete;
  // Kills it, if it still works.
  ~Worker();

  struct End {
    std::vector<uint8_t> told;
    std::string trouble;  // "killed by signal 6 (Aborted)"; empty: the work was done
  };

  // Waits for its end; once.
  [[nodiscard]] End finish();

 private:
  pid_t process_ = 0;
  int from_ = -1;
};

// Memory that this process shares with the workers that it starts afterwards. What lies in it is
// never destroyed: it owns nothing.
[[nodiscard]] void* shared_memory(size_t octets);
void unshare_memory(void* at, size_t octets);

template <class T>
class Shared {
 public:
  explicit Shared(size_t n) : all_(static_cast<T*>(shared_memory(n * sizeof(T))), n) {
    std::uninitialized_value_construct(all_.begin(), all_.end());
  }

  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;

  ~Shared() { unshare_memory(all_.data(), all_.size_bytes()); }

  [[nodiscard]] std::span<T> all() const { return all_; }

 private:
  std::span<T> all_;
};

}  // namespace rapport::app
