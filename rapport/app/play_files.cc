// Files of scripts.
#include "rapport/app/play_files.hh"

#include "rapport/app/verbs.hh"
#include "rapport/play/parse.hh"

#include <algorithm>
#include <filesystem>
#include <fstream>
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

std::string read_script(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(play::kMaxScriptBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || !file.is_open()) throw Misuse(fmt::format("{}: it cannot be read", path));
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > play::kMaxScriptBytes) {
    throw Misuse(fmt::format("{}: a script has at most {} octets", path, play::kMaxScriptBytes));
  }
  return text;
}

}  // namespace rapport::app
