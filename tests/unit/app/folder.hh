// An empty folder for one test; it goes with all that is in it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

namespace rapport::app {

class Folder {
 public:
  Folder() {
    std::string name = testing::TempDir() + "/rapport-XXXXXX";
    if (::mkdtemp(name.data()) != nullptr) path_ = name;
  }

  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  ~Folder() { std::filesystem::remove_all(path_); }

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace rapport::app
