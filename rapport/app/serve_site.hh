// Site: the files below one folder, by the target of an HTTP request. Nothing outside the folder
// can be reached: every path is resolved by the kernel beneath it (openat2 with RESOLVE_BENEATH),
// so that neither "..", encoded or not, nor a symbolic link leads out. Knows no sockets and no HTTP
// library.
#pragma once

#include "rapport/device/descriptor.hh"

#include <cstdint>
#include <ctime>
#include <expected>
#include <string>
#include <string_view>

namespace rapport::app {

struct SiteFile {
  device::Descriptor fd;
  uint64_t size = 0;
  std::time_t modified = 0;
  std::string_view type;  // media type
};

enum class Refusal : uint8_t {
  BadTarget,   // 400: not a path, or wrongly encoded
  Forbidden,   // 403: leads out of the folder, or may not be read
  NotFound,    // 404; also for names that begin with a dot
  NoIndex,     // 404: a folder without an index.html
  IsFolder,    // 301: the same target with '/' behind its path
  Overloaded,  // 503: no descriptors left
};

class Site {
 public:
  // An error is one line for people.
  [[nodiscard]] static std::expected<Site, std::string> open(const std::string& folder);

  // `target` as in the request line: origin form or absolute form (RFC 9112 3.2). A path that ends
  // in
  // '/' names the index.html of that folder. Names that begin with a dot are not found: nobody
  // means to serve .git or .ssh.
  [[nodiscard]] std::expected<SiteFile, Refusal> find(std::string_view target) const;

 private:
  explicit Site(device::Descriptor folder) : folder_(std::move(folder)) {}

  device::Descriptor folder_;
};

// The path of a target, decoded (RFC 3986 2.1): without query, beginning with '/'.
[[nodiscard]] std::expected<std::string, Refusal> decoded_path(std::string_view target);

// By the name's ending; application/octet-stream for what is not known.
[[nodiscard]] std::string_view media_type(std::string_view path);

}  // namespace rapport::app
