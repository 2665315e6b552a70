// Files of scripts.
#include "rapport/app/play_files.hh"

#include "rapport/app/verbs.hh"
#include "rapport/play/parse.hh"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <expected>
#include <filesystem>
#include <fstream>
#include <ios>
#include <iterator>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include <fmt/format.h>

namespace rapport::app {

namespace {

namespace fs = std::filesystem;

void add_folder(const std::string& folder, std::vector<std::string>& out) {
  const size_t before = out.size();
  std::error_code error;
  for (fs::recursive_directory_iterator i(folder, error), end; !error && i != end;
       i.increment(error)) {
    if (i->path().extension() == ".pkt" && i->is_regular_file()) out.push_back(i->path().string());
  }
  if (error) throw Misuse(fmt::format("{}: {}", folder, error.message()));
  if (out.size() == before) throw Misuse(fmt::format("{}: no file in it ends in .pkt", folder));
  std::sort(out.begin() + static_cast<std::ptrdiff_t>(before), out.end());
}

}  // namespace

std::vector<std::string> script_files(std::span<const std::string> named) {
  std::vector<std::string> out;
  for (const std::string& path : named) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (error || !fs::exists(status)) throw Misuse(fmt::format("{}: no such file or folder", path));
    if (fs::is_directory(status)) {
      add_folder(path, out);
    } else {
      out.push_back(path);
    }
  }
  return out;
}

std::expected<std::string, std::string> read_script(const std::string& path) {
  constexpr size_t kMost = play::kMaxScriptBytes + 1;
  constexpr size_t kAtOnce = 4096;
  std::error_code unknown;  // of what is no plain file
  const auto size = fs::file_size(path, unknown);
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file.is_open()) return std::unexpected(reason(errno));
  // One octet more than there should be: so the end is seen at once.
  std::string text(std::min(unknown ? kAtOnce : static_cast<size_t>(size) + 1, kMost), '\0');
  size_t length = 0;
  while (true) {
    file.read(text.data() + length, static_cast<std::streamsize>(text.size() - length));
    length += static_cast<size_t>(file.gcount());
    if (file.bad()) return std::unexpected(reason(errno));
    if (!file || length == kMost) break;
    text.resize(std::min(text.size() + std::max(kAtOnce, text.size()), kMost));
  }
  text.resize(length);
  return text;
}

}  // namespace rapport::app
