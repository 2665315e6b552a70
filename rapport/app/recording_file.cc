// Files of recordings: what cannot be written leaves nothing behind, and says why.
#include "rapport/app/recording_file.hh"

#include "rapport/app/verbs.hh"
#include "rapport/app/version.hh"

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <filesystem>
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

std::string cannot_write(std::string_view option, std::string_view path, const std::string& why) {
  return fmt::format("{} {}: cannot write it: {}", option, path, why);
}

// Opens, writes and closes; 0 or an errno.
int fill(const std::string& path, int flags, mode_t mode, std::span<const uint8_t> octets) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC | flags, mode);
  if (file < 0) return errno;
  uint64_t written = 0;
  const int code = write_all(file, octets, written);
  if (::close(file) != 0 && code == 0) return errno;
  return code;
}

// A file that grows beyond `ulimit -f` is an error to tell of, not the end of the process.
class NoSignalForLargeFiles {
 public:
  NoSignalForLargeFiles() : before_(std::signal(SIGXFSZ, SIG_IGN)) {}

  NoSignalForLargeFiles(const NoSignalForLargeFiles&) = delete;
  NoSignalForLargeFiles& operator=(const NoSignalForLargeFiles&) = delete;

  ~NoSignalForLargeFiles() { (void)std::signal(SIGXFSZ, before_); }

 private:
  void (*before_)(int);
};

// Why a folder takes no new file: an errno, or 0.
int refusal_of(const std::string& folder) {
  struct stat about{};
  if (::stat(folder.c_str(), &about) != 0) return errno;
  if (!S_ISDIR(about.st_mode)) return ENOTDIR;
  return ::access(folder.c_str(), W_OK | X_OK) == 0 ? 0 : errno;
}

// Where a name leads that is a link.
std::string behind_links(const std::string& path) {
  std::error_code none;
  const auto there = std::filesystem::canonical(path, none);
  return none ? path : there.string();
}

}  // namespace

std::string program_words() {
  return "rapport " + std::string(kVersion);
}

std::string must_be_named(const std::string& path) {
  return path.empty() ? "a name is needed, not an empty one" : "";
}

void check_folder(std::string_view option, const std::string& path) {
  if (const int code = refusal_of(path); code != 0)
    throw Misuse(cannot_write(option, path, reason(code)));
}

void check_writable(std::string_view option, const std::string& path) {
  struct stat about{};
  const bool is_there = ::stat(path.c_str(), &about) == 0;
  int code = 0;
  if (is_there && S_ISDIR(about.st_mode)) {
    code = EISDIR;
  } else if (is_there && ::access(path.c_str(), W_OK) != 0) {
    code = errno;
  } else if (!is_there || S_ISREG(about.st_mode)) {
    const auto folder = std::filesystem::path(behind_links(path)).parent_path();
    code = refusal_of(folder.empty() ? "." : folder.string());
  }
  if (code != 0) throw Misuse(cannot_write(option, path, reason(code)));
}

int write_all(int file, std::span<const uint8_t> octets, uint64_t& written) {
  while (!octets.empty()) {
    const ssize_t n = ::write(file, octets.data(), octets.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n < 0 ? errno : ENOSPC;
    written += static_cast<uint64_t>(n);
    octets = octets.subspan(static_cast<size_t>(n));
  }
  return 0;
}

void write_whole(std::string_view option, const std::string& path,
                 std::span<const uint8_t> octets) {
  const NoSignalForLargeFiles quiet;
  struct stat about{};
  const bool is_there = ::stat(path.c_str(), &about) == 0;
  int code = 0;
  if (is_there && !S_ISREG(about.st_mode)) {
    code = fill(path, 0, 0, octets);
  } else {
    const std::string name = behind_links(path);
    const std::string partial = fmt::format("{}.part-{}", name, ::getpid());
    const mode_t mode = is_there ? about.st_mode & 0777 : 0666;
    code = fill(partial, O_CREAT | O_EXCL | O_NOFOLLOW, mode, octets);
    if (code == 0 && ::rename(partial.c_str(), name.c_str()) != 0) code = errno;
    if (code != 0 && code != EEXIST) (void)::unlink(partial.c_str());
  }
  if (code != 0) throw Failure(cannot_write(option, path, reason(code)));
}

MappedFile::MappedFile(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) throw Misuse(fmt::format("{}: cannot open it: {}", path, reason(errno)));
  struct stat about{};
  void* at = nullptr;
  std::string trouble;
  if (::fstat(fd, &about) != 0) {
    trouble = reason(errno);
  } else if (!S_ISREG(about.st_mode)) {
    trouble = "it is no plain file";
  } else if (about.st_size > 0) {
    at = ::mmap(nullptr, static_cast<size_t>(about.st_size), PROT_READ, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED) trouble = reason(errno);
  }
  (void)::close(fd);
  if (!trouble.empty()) throw Misuse(fmt::format("{}: cannot read it: {}", path, trouble));
  octets_ = {static_cast<const uint8_t*>(at), static_cast<size_t>(about.st_size)};
}

MappedFile::~MappedFile() {
  if (!octets_.empty()) (void)::munmap(const_cast<uint8_t*>(octets_.data()), octets_.size());
}

}  // namespace rapport::app
