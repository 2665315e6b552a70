// Site: the files below one folder, by the target of an HTTP request. Nothing outside the folder
// can be reached: every path is resolved by the kernel beneath it (openat2 with RESOLVE_BENEATH),
// so that neither "..", encoded or not, nor a symbolic link leads out. Knows no sockets and no HTTP
// library.
#pragma once

#include "rapport/device/descriptor.hh"

#include <cstdint>
#include <ctime>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace rapport::app {

struct SiteFile {
  device::Descriptor fd;
  uint64_t size = 0;
  std::time_t modified = 0;
  std::string etag;       // strong: from the time of the last change and the size
  std::string_view type;  // media type
};

enum class Refusal : uint8_t {
  BadTarget,     // 400: not a path, or wrongly encoded
  Forbidden,     // 403: leads out of the folder, or may not be read
  NotFound,      // 404; also for names that begin with a dot
  NoIndex,       // 404: a folder without an index.html
  IsFolder,      // 301: the same target with '/' behind its path
  NoParent,      // 409: of an upload: the folder it would be in does not exist
  InTheWay,      // 409: of an upload: a folder has that name, or the name is none for a file
  AlreadyThere,  // 412: of an upload that must be new
  Overloaded,    // 503: no descriptors left
  DiskFull,      // 507
};

// A file that is being uploaded: without a name until commit(), so that nothing is left of it when
// it ends before, however the program ends (where the file system cannot do that it has a hidden
// name, which goes with the object).
class Upload {
 public:
  Upload(Upload&&) noexcept = default;
  Upload& operator=(Upload&&) = delete;
  ~Upload();

  // Appends. An errno, 0: all is written.
  [[nodiscard]] int write(std::span<const char> octets);

  // The file appears under its name in one step, instead of one that was there; `must_be_new`: only
  // if there is none in that very moment. True: there was none.
  [[nodiscard]] std::expected<bool, Refusal> commit(bool must_be_new);

 private:
  friend class Site;

  Upload(device::Descriptor folder, std::string name)
      : folder_(std::move(folder)), name_(std::move(name)) {}

  [[nodiscard]] bool open();
  [[nodiscard]] bool give_hidden_name();
  [[nodiscard]] bool give_new_name();

  device::Descriptor folder_;  // where it will be
  std::string name_;
  device::Descriptor file_;
  std::string hidden_name_;  // empty: it has no name
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

  // A new file, or a new content of one. Its folder must be there.
  [[nodiscard]] std::expected<Upload, Refusal> upload(std::string_view target) const;

 private:
  explicit Site(device::Descriptor folder) : folder_(std::move(folder)) {}

  device::Descriptor folder_;
};

// The path of a target, decoded (RFC 3986 2.1): without query, beginning with '/'.
[[nodiscard]] std::expected<std::string, Refusal> decoded_path(std::string_view target);

// Opens beneath `folder`, through no magic link of /proc (openat2 with RESOLVE_BENEATH). -1 and
// errno when that fails.
[[nodiscard]] device::Descriptor open_beneath(int folder, const std::string& path, int flags);

// One of the path's names begins with a dot.
[[nodiscard]] bool has_hidden_name(std::string_view path);

[[nodiscard]] Refusal refusal_of(int code);

// By the name's ending; application/octet-stream for what is not known.
[[nodiscard]] std::string_view media_type(std::string_view path);

}  // namespace rapport::app
