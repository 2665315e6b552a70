// Runs `rapport play` inside the test, over scripts in a folder of its own.
#pragma once

#include "rapport/app/verbs.hh"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <ios>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

namespace rapport::app {

// No socket: a SYN draws a RST.
inline constexpr std::string_view kPasses = "0 < S 0:0(0) win 1000\n+0 > R. 0:0(0) ack 1\n";
inline constexpr std::string_view kFails = "0 < S 0:0(0) win 1000\n+0 > R. 0:0(0) ack 2\n";
inline constexpr std::string_view kSkips = "`reboot`\n0 < S 0:0(0) win 1000\n";
inline constexpr std::string_view kIsNone = "a poem\n";

struct Played {
  int status = 0;
  std::string out, err;

  [[nodiscard]] std::string last_line() const {
    const size_t end = out.find_last_not_of('\n') + 1;
    const size_t begin = out.rfind('\n', end - 1);
    return out.substr(begin + 1, end - begin - 1);
  }
};

inline Played play(const std::vector<std::string>& arguments) {
  static constexpr std::array kVerbs{Verb{"play", add_play}};
  std::vector<const char*> argv{"rapport", "play"};
  for (const std::string& a : arguments) argv.push_back(a.c_str());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Played p;
  p.status = run(kVerbs, static_cast<int>(argv.size()), argv.data());
  p.out = testing::internal::GetCapturedStdout();
  p.err = testing::internal::GetCapturedStderr();
  return p;
}

// Gone with the test.
class Folder {
 public:
  Folder()
      : path_(std::filesystem::path(testing::TempDir())
              / ("rapport-play-" + std::to_string(::getpid()) + "-"
                 + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()))) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }

  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  // Its path.
  [[nodiscard]] std::string add(const std::string& name, std::string_view text) const {
    const auto file = path_ / name;
    std::ofstream(file, std::ios::binary) << text;
    return file.string();
  }

  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace rapport::app
