// Upload: a file without a name (O_TMPFILE) gets a hidden one at the end, which a rename then turns
// into the wanted one: rename(2) replaces what was there in one step, linkat(2) cannot.
#include "rapport/app/serve_site.hh"
#include "rapport/device/descriptor.hh"

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rapport::app {
namespace {

constexpr mode_t kMode = 0666;  // less the umask

std::string fresh_hidden_name() {
  static std::atomic<uint64_t> count{0};
  return fmt::format(".rapport-upload-{}-{}", ::getpid(), ++count);
}

bool link_nameless(int file, int folder, const std::string& name) {
  const std::string self = fmt::format("/proc/self/fd/{}", file);
  return ::linkat(AT_FDCWD, self.c_str(), folder, name.c_str(), AT_SYMLINK_FOLLOW) == 0;
}

}  // namespace

Upload::~Upload() {
  if (!hidden_name_.empty() && folder_) (void)::unlinkat(folder_.get(), hidden_name_.c_str(), 0);
}

bool Upload::open() {
  file_ = device::Descriptor(::openat(folder_.get(), ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, kMode));
  if (file_ || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT)) return bool(file_);
  std::string name = fresh_hidden_name();
  file_ = device::Descriptor(::openat(folder_.get(), name.c_str(),
                                      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kMode));
  if (file_) hidden_name_ = std::move(name);
  return bool(file_);
}

int Upload::write(std::span<const char> octets) {
  while (!octets.empty()) {
    const ssize_t put = ::write(file_.get(), octets.data(), octets.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return put < 0 ? errno : EIO;
    octets = octets.subspan(static_cast<size_t>(put));
  }
  return 0;
}

bool Upload::give_hidden_name() {
  if (!hidden_name_.empty()) return true;
  std::string name = fresh_hidden_name();
  if (!link_nameless(file_.get(), folder_.get(), name)) return false;
  hidden_name_ = std::move(name);
  return true;
}

// The wanted name, if nobody has it: a link, unlike a rename, never takes another's place.
bool Upload::give_new_name() {
  if (hidden_name_.empty()) return link_nameless(file_.get(), folder_.get(), name_);
  return ::linkat(folder_.get(), hidden_name_.c_str(), folder_.get(), name_.c_str(), 0) == 0;
}

std::expected<bool, Refusal> Upload::commit(bool must_be_new) {
  if (must_be_new) {
    if (give_new_name()) return true;
    return std::unexpected(errno == EEXIST ? Refusal::AlreadyThere : refusal_of(errno));
  }
  struct stat about{};
  const bool replaces = ::fstatat(folder_.get(), name_.c_str(), &about, AT_SYMLINK_NOFOLLOW) == 0;
  if (!give_hidden_name()
      || ::renameat(folder_.get(), hidden_name_.c_str(), folder_.get(), name_.c_str()) != 0) {
    return std::unexpected(refusal_of(errno));
  }
  hidden_name_.clear();
  return !replaces;
}

std::expected<Upload, Refusal> Site::upload(std::string_view target) const {
  const auto path = decoded_path(target);
  if (!path) return std::unexpected(path.error());
  if (has_hidden_name(*path)) return std::unexpected(Refusal::Forbidden);
  const size_t slash = path->rfind('/');
  std::string name = path->substr(slash + 1);
  if (name.empty() || name == "." || name == "..") return std::unexpected(Refusal::InTheWay);
  const size_t first = path->find_first_not_of('/');
  const std::string parent = first > slash ? "." : path->substr(first, slash - first);
  device::Descriptor folder =
      open_beneath(folder_.get(), parent, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
  if (!folder) {
    const Refusal why = refusal_of(errno);
    return std::unexpected(why == Refusal::NotFound ? Refusal::NoParent : why);
  }
  struct stat about{};
  if (::fstatat(folder.get(), name.c_str(), &about, AT_SYMLINK_NOFOLLOW) == 0
      && S_ISDIR(about.st_mode)) {
    return std::unexpected(Refusal::InTheWay);
  }
  Upload upload(std::move(folder), std::move(name));
  if (!upload.open()) return std::unexpected(refusal_of(errno));
  return upload;
}

}  // namespace rapport::app
