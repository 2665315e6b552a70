// Targets to files: decoding, resolution beneath the folder, media types. See serve_site.hh.
#include "rapport/app/serve_site.hh"

#include "rapport/device/descriptor.hh"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace rapport::app {
namespace {

constexpr size_t kLongestPath = 4096;
// O_NONBLOCK: a FIFO without a writer must not hold up the loop.
constexpr int kReading = O_RDONLY | O_NONBLOCK | O_NOCTTY;

// The digit's value, -1 for anything else.
int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// "http://host:80/path" -> "/path", "/path" as it is; empty for anything else.
std::string_view path_of(std::string_view target) {
  if (target.starts_with('/')) return target;
  for (const std::string_view scheme : {"http://", "HTTP://", "https://", "HTTPS://"}) {
    if (!target.starts_with(scheme)) continue;
    target.remove_prefix(scheme.size());
    const size_t slash = target.find_first_of("/?");
    if (slash == std::string_view::npos || target[slash] == '?') return "/";
    return target.substr(slash);
  }
  return {};
}

// Takes the first octet, percent-encoded or not, off `path`; -1 when it is wrongly encoded.
int take_octet(std::string_view& path) {
  const auto first = static_cast<unsigned char>(path.front());
  if (first != '%') {
    path.remove_prefix(1);
    return first;
  }
  if (path.size() < 3) return -1;
  const int high = hex_digit(path[1]);
  const int low = hex_digit(path[2]);
  path.remove_prefix(3);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

// Strong as long as no two changes of a file share a nanosecond and a size (RFC 9110 8.8.3).
std::string etag_of(const struct stat& about) {
  return fmt::format("\"{:x}-{:x}-{:x}\"", about.st_mtim.tv_sec, about.st_mtim.tv_nsec,
                     about.st_size);
}

}  // namespace

device::Descriptor open_beneath(int folder, const std::string& path, int flags) {
  open_how how{};
  how.flags = static_cast<uint64_t>(flags) | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  return device::Descriptor(
      static_cast<int>(::syscall(SYS_openat2, folder, path.c_str(), &how, sizeof(how))));
}

// "." and ".." lead the kernel.
bool has_hidden_name(std::string_view path) {
  while (!path.empty()) {
    const std::string_view name = path.substr(0, path.find('/'));
    if (name.starts_with('.') && name != "." && name != "..") return true;
    path.remove_prefix(std::min(name.size() + 1, path.size()));
  }
  return false;
}

Refusal refusal_of(int code) {
  switch (code) {
    case EXDEV:  // out of the folder
    case EACCES:
    case EPERM:
    case EROFS:
    case ELOOP: return Refusal::Forbidden;
    case EISDIR: return Refusal::InTheWay;
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return Refusal::DiskFull;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EIO: return Refusal::Overloaded;
    default: return Refusal::NotFound;
  }
}

std::expected<std::string, Refusal> decoded_path(std::string_view target) {
  std::string_view path = path_of(target);
  path = path.substr(0, path.find('?'));
  if (path.empty() || path.size() > kLongestPath) return std::unexpected(Refusal::BadTarget);
  std::string decoded;
  while (!path.empty()) {
    const int octet = take_octet(path);
    if (octet <= 0) return std::unexpected(Refusal::BadTarget);
    decoded.push_back(static_cast<char>(octet));
  }
  return decoded;
}

std::string_view media_type(std::string_view path) {
  struct Entry {
    std::string_view ending, type;
  };

  static constexpr std::array kTypes{
      Entry{"html", "text/html; charset=utf-8"},
      Entry{"htm", "text/html; charset=utf-8"},
      Entry{"txt", "text/plain; charset=utf-8"},
      Entry{"md", "text/markdown; charset=utf-8"},
      Entry{"css", "text/css; charset=utf-8"},
      Entry{"csv", "text/csv; charset=utf-8"},
      Entry{"js", "text/javascript; charset=utf-8"},
      Entry{"mjs", "text/javascript; charset=utf-8"},
      Entry{"json", "application/json"},
      Entry{"xml", "application/xml"},
      Entry{"pdf", "application/pdf"},
      Entry{"wasm", "application/wasm"},
      Entry{"gz", "application/gzip"},
      Entry{"zip", "application/zip"},
      Entry{"png", "image/png"},
      Entry{"jpg", "image/jpeg"},
      Entry{"jpeg", "image/jpeg"},
      Entry{"gif", "image/gif"},
      Entry{"svg", "image/svg+xml"},
      Entry{"webp", "image/webp"},
      Entry{"ico", "image/vnd.microsoft.icon"},
      Entry{"mp3", "audio/mpeg"},
      Entry{"mp4", "video/mp4"},
      Entry{"webm", "video/webm"},
      Entry{"woff2", "font/woff2"},
  };
  const std::string_view name = path.substr(path.rfind('/') + 1);
  const size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return "application/octet-stream";
  std::string ending(name.substr(dot + 1));
  std::ranges::transform(ending, ending.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto* found = std::ranges::find(kTypes, ending, &Entry::ending);
  return found == kTypes.end() ? "application/octet-stream" : found->type;
}

std::expected<Site, std::string> Site::open(const std::string& folder) {
  device::Descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) {
    const int code = errno;
    if (code == ENOTDIR) return std::unexpected("'" + folder + "' is no folder");
    if (code == ENOENT) return std::unexpected("there is no folder '" + folder + "'");
    return std::unexpected("cannot read the folder '" + folder
                           + "': " + std::system_category().message(code));
  }
  if (!open_beneath(fd.get(), ".", kReading)) {
    return std::unexpected("cannot keep requests inside '" + folder
                           + "': openat2 says: " + std::system_category().message(errno)
                           + " (Linux 5.6 or later is needed)");
  }
  return Site(std::move(fd));
}

std::expected<SiteFile, Refusal> Site::find(std::string_view target) const {
  auto path = decoded_path(target);
  if (!path) return std::unexpected(path.error());
  if (has_hidden_name(*path)) return std::unexpected(Refusal::NotFound);
  const bool index = path->ends_with('/');
  if (index) *path += "index.html";
  const size_t first = path->find_first_not_of('/');
  if (first == std::string::npos) return std::unexpected(Refusal::NotFound);
  const std::string name = path->substr(first);
  device::Descriptor fd = open_beneath(folder_.get(), name, kReading);
  if (!fd) {
    const Refusal why = refusal_of(errno);
    const bool lacks_index =
        index && why == Refusal::NotFound
        && open_beneath(folder_.get(), "./" + name.substr(0, name.rfind('/') + 1), kReading);
    return std::unexpected(lacks_index ? Refusal::NoIndex : why);
  }
  struct stat about{};
  if (::fstat(fd.get(), &about) != 0) return std::unexpected(refusal_of(errno));
  if (S_ISDIR(about.st_mode)) return std::unexpected(Refusal::IsFolder);
  if (!S_ISREG(about.st_mode)) return std::unexpected(Refusal::Forbidden);
  return SiteFile{std::move(fd), static_cast<uint64_t>(about.st_size), about.st_mtime,
                  etag_of(about), media_type(*path)};
}

}  // namespace rapport::app
