// Where `fetch` puts what comes: standard output, or a file that appears under its name only when
// it is whole; and the line that shows how far it is.
#pragma once

#include "rapport/device/descriptor.hh"

#include <cstdint>
#include <optional>
#include <string>

namespace rapport::app {

class Sink {
 public:
  // "-": standard output. Opens the file, and waits for a reader of a named pipe. Throws Misuse
  // when it cannot be made.
  explicit Sink(std::string path);
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  ~Sink();  // what was not finished is removed

  // Where to write; an Output does.
  [[nodiscard]] int fd() const { return fd_; }

  // Writing it ended so; failure() says it in words.
  void fail(const std::string& why);
  // Gives the file its name. False: it cannot; failure() says why.
  [[nodiscard]] bool finish();

  [[nodiscard]] const std::string& failure() const { return failure_; }

 private:
  std::string path_, partial_;  // partial_ is empty when there is nothing to rename or remove
  device::Descriptor file_;
  int fd_ = 1;
  std::string failure_;
};

// "[=====>     ] 45 %, 120.0 MiB of 266.7 MiB, 1.20 Gbit/s"; without a total no bar.
[[nodiscard]] std::string progress_line(uint64_t done, std::optional<uint64_t> total,
                                        double seconds);

// "1.5 MiB"
[[nodiscard]] std::string size_words(uint64_t octets);

}  // namespace rapport::app
