// Files of recordings.
#include "rapport/app/recording_file.hh"

#include "rapport/app/verbs.hh"
#include "rapport/app/version.hh"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rapport::app {

namespace {

struct Close {
  void operator()(std::FILE* f) const noexcept { (void)std::fclose(f); }
};

std::string reason() {
  return std::system_category().message(errno);
}

}  // namespace

std::string program_words() {
  return "rapport " + std::string(kVersion);
}

void write_recording(std::string_view option, const std::string& path,
                     std::span<const uint8_t> octets) {
  const std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "wbe"));
  if (!file || std::fwrite(octets.data(), 1, octets.size(), file.get()) != octets.size()
      || std::fflush(file.get()) != 0) {
    throw Misuse(fmt::format("{} {}: cannot write it: {}", option, path, reason()));
  }
}

MappedFile::MappedFile(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) throw Misuse(fmt::format("{}: cannot open it: {}", path, reason()));
  struct stat about{};
  void* at = nullptr;
  std::string trouble;
  if (::fstat(fd, &about) != 0) {
    trouble = reason();
  } else if (!S_ISREG(about.st_mode)) {
    trouble = "it is no plain file";
  } else if (about.st_size > 0) {
    at = ::mmap(nullptr, static_cast<size_t>(about.st_size), PROT_READ, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED) trouble = reason();
  }
  (void)::close(fd);
  if (!trouble.empty()) throw Misuse(fmt::format("{}: cannot read it: {}", path, trouble));
  octets_ = {static_cast<const uint8_t*>(at), static_cast<size_t>(about.st_size)};
}

MappedFile::~MappedFile() {
  if (!octets_.empty()) (void)::munmap(const_cast<uint8_t*>(octets_.data()), octets_.size());
}

}  // namespace rapport::app
