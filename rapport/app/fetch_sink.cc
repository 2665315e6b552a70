// Files are written beside their name and renamed: a failure leaves neither half a file nor less
// than was there.
#include "rapport/app/fetch_sink.hh"

#include "rapport/app/verbs.hh"
#include "rapport/device/descriptor.hh"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rapport::app {
namespace {

constexpr size_t kBar = 30;

// A device or a pipe is written as it is.
bool is_special(const std::string& path) {
  struct stat about{};
  return ::stat(path.c_str(), &about) == 0 && !S_ISREG(about.st_mode) && !S_ISDIR(about.st_mode);
}

}  // namespace

Sink::Sink(std::string path) : path_(std::move(path)) {
  if (path_ == "-") return;
  struct stat about{};
  if (::stat(path_.c_str(), &about) == 0 && S_ISDIR(about.st_mode)) {
    throw Misuse(fmt::format("-o {}: is a folder: name a file in it", path_));
  }
  const bool special = is_special(path_);
  const std::string name = special ? path_ : fmt::format("{}.part-{}", path_, ::getpid());
  const int flags = special ? O_WRONLY : O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
  file_ = device::Descriptor(::open(name.c_str(), flags | O_CLOEXEC, 0666));
  if (!file_) throw Misuse(fmt::format("-o {}: cannot write it: {}", path_, reason(errno)));
  if (!special) partial_ = name;
  fd_ = file_.get();
}

Sink::~Sink() {
  if (!partial_.empty()) (void)::unlink(partial_.c_str());
}

void Sink::fail(const std::string& why) {
  failure_ = fmt::format("cannot write {}: {}", path_ == "-" ? "standard output" : path_, why);
}

bool Sink::finish() {
  if (partial_.empty()) return true;
  if (::rename(partial_.c_str(), path_.c_str()) != 0) {
    fail(reason(errno));
    return false;
  }
  partial_.clear();
  return true;
}

std::string size_words(uint64_t octets) {
  static constexpr std::array<std::string_view, 4> kUnits{"KiB", "MiB", "GiB", "TiB"};
  if (octets < 1024) return fmt::format("{} B", octets);
  double value = static_cast<double>(octets) / 1024;
  size_t unit = 0;
  for (; value >= 1024 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string progress_line(uint64_t done, std::optional<uint64_t> total, double seconds) {
  std::string out;
  if (total && *total > 0) {
    const double share = std::min(1.0, static_cast<double>(done) / static_cast<double>(*total));
    const auto filled = static_cast<size_t>(share * kBar);
    std::string bar(filled, '=');
    if (filled < kBar) bar += '>';
    bar.resize(kBar, ' ');
    out = fmt::format("[{}] {:3.0f} %, {} of {}", bar, share * 100, size_words(done),
                      size_words(*total));
  } else {
    out = size_words(done);
  }
  if (seconds <= 0) return out;
  const double bits = static_cast<double>(done) * 8 / seconds;
  return out
         + (bits >= 1e9 ? fmt::format(", {:.2f} Gbit/s", bits / 1e9)
                        : fmt::format(", {:.1f} Mbit/s", bits / 1e6));
}

}  // namespace rapport::app
