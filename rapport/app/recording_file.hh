// Recordings and captures as files: written whole or not at all by the verbs that play worlds,
// mapped into memory by `replay`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace rapport::app {

// "rapport 0.1.0", as recordings name the program that made them.
[[nodiscard]] std::string program_words();

// For CLI11: an option that names a file or folder takes no empty name.
[[nodiscard]] std::string must_be_named(const std::string& path);

// Misuse, which names `option`, for what can be seen before the work: `path` is a folder, or its
// folder is none or takes no new file. Nothing is written.
void check_writable(std::string_view option, const std::string& path);
void check_folder(std::string_view option, const std::string& path);

// Into a file beside `path`, which then takes its name, so that a failure leaves what was there
// before and nothing else; a device or a pipe is written as it is. Failure, which names `option`
// and the reason, when it cannot be written.
void write_whole(std::string_view option, const std::string& path, std::span<const uint8_t> octets);

// Writes all of it, as far as `file` takes it, and counts the octets; 0 or an errno. Safe in a
// signal handler.
[[nodiscard]] int write_all(int file, std::span<const uint8_t> octets, uint64_t& written);

// A file as it lies on the disk, for reading.
class MappedFile {
 public:
  // Misuse when it cannot be opened, or is no plain file.
  explicit MappedFile(const std::string& path);
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  [[nodiscard]] std::span<const uint8_t> octets() const { return octets_; }

 private:
  std::span<const uint8_t> octets_;
};

}  // namespace rapport::app
