// Where `fetch` puts what comes: standard output, or a file that appears under its name only when
// it is whole; and the line that shows how far it is.
#pragma once

#include "rapport/device/descriptor.hh"

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace rapport::app {

class Sink {
 public:
  // "-": standard output. Throws Misuse when the file cannot be made.
  explicit Sink(std::string path);
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  ~Sink();  // what was not finished is removed

  // False: it cannot be written; failure() says why.
  [[nodiscard]] bool write(std::span<const char> octets);
  // Gives the file its name. False as for write().
  [[nodiscard]] bool finish();

  [[nodiscard]] const std::string& failure() const { return failure_; }

 private:
  bool fail(int code);

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
