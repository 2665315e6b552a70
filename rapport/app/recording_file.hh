// Recordings as files: written whole by the verbs that play worlds, mapped into memory by `replay`.
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

// `octets` are a whole recording. Misuse, which names `option`, when the file cannot be written.
void write_recording(std::string_view option, const std::string& path,
                     std::span<const uint8_t> octets);

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
