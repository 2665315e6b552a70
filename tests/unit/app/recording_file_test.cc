// Files are written whole or not at all, and whoever cannot write says why.
#include "rapport/app/recording_file.hh"

#include "folder.hh"
#include "program.hh"
#include "rapport/app/verbs.hh"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rapport::app {
namespace {

namespace fs = std::filesystem;

class RecordingFile : public ::testing::Test {
 protected:
  [[nodiscard]] std::string in(const std::string& name) const {
    return folder_.path() + "/" + name;
  }

  [[nodiscard]] size_t files() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(folder_.path()), {}));
  }

  static std::string content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  // Why it cannot be written.
  static std::string failure(const std::string& path, const std::vector<uint8_t>& octets) {
    try {
      write_whole("--record", path, octets);
    } catch (const Failure& e) {
      return e.what();
    }
    return {};
  }

  static std::string misuse(const std::string& path) {
    try {
      check_writable("--record", path);
    } catch (const Misuse& e) {
      return e.what();
    }
    return {};
  }

 private:
  Folder folder_;
};

// Files grow no further than this.
class Ceiling {
 public:
  explicit Ceiling(rlim_t most) {
    (void)::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit now{.rlim_cur = most, .rlim_max = before_.rlim_max};
    (void)::setrlimit(RLIMIT_FSIZE, &now);
  }

  Ceiling(const Ceiling&) = delete;
  Ceiling& operator=(const Ceiling&) = delete;

  ~Ceiling() { (void)::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(RecordingFile, IsWrittenWhole) {
  EXPECT_EQ(failure(in("a"), {'x', 'y'}), "");
  EXPECT_EQ(failure(in("a"), {'z'}), "");
  EXPECT_EQ(content(in("a")), "z");
  EXPECT_EQ(files(), 1U);
}

TEST_F(RecordingFile, ADiskThatIsFullLeavesWhatWasThere) {
  ASSERT_EQ(failure(in("a"), {'x'}), "");
  std::string why_over, why_new;
  {
    const Ceiling ceiling(1000);
    why_over = failure(in("a"), std::vector<uint8_t>(5000));
    why_new = failure(in("b"), std::vector<uint8_t>(5000));
  }
  EXPECT_EQ(why_over, "--record " + in("a") + ": cannot write it: File too large");
  EXPECT_EQ(why_new, "--record " + in("b") + ": cannot write it: File too large");
  EXPECT_EQ(content(in("a")), "x");
  EXPECT_EQ(files(), 1U);
}

TEST_F(RecordingFile, ADeviceIsWrittenAsItIs) {
  EXPECT_EQ(failure("/dev/null", {'x'}), "");
  EXPECT_EQ(failure("/dev/full", {'x'}),
            "--record /dev/full: cannot write it: No space left on device");
  struct stat about{};
  ASSERT_EQ(::stat("/dev/full", &about), 0);
  EXPECT_TRUE(S_ISCHR(about.st_mode));
}

TEST_F(RecordingFile, ALinkIsFollowed) {
  ASSERT_EQ(failure(in("a"), {'x'}), "");
  fs::create_symlink(in("a"), in("link"));
  EXPECT_EQ(failure(in("link"), {'y'}), "");
  EXPECT_TRUE(fs::is_symlink(in("link")));
  EXPECT_EQ(content(in("a")), "y");
}

TEST_F(RecordingFile, WhatCanBeSeenBeforeIsSaidBefore) {
  EXPECT_EQ(misuse(in("a")), "");
  EXPECT_EQ(misuse("a"), "");
  EXPECT_EQ(misuse("/dev/full"), "");
  EXPECT_EQ(misuse(in("")), "--record " + in("") + ": cannot write it: Is a directory");
  EXPECT_EQ(misuse(in("none/a")),
            "--record " + in("none/a") + ": cannot write it: No such file or directory");
  ASSERT_EQ(failure(in("a"), {'x'}), "");
  EXPECT_EQ(misuse(in("a/b")), "--record " + in("a/b") + ": cannot write it: Not a directory");
  EXPECT_EQ(files(), 1U);
}

TEST_F(RecordingFile, ADemoIsPrintedEvenIfItsRecordingCannotBeWritten) {
  for (const std::string option : {"--record", "--pcap"}) {
    const Outcome full = rapport({"demo", "life", option, "/dev/full"});
    EXPECT_EQ(full.status, 1);
    EXPECT_NE(full.out.find("ESTABLISHED"), std::string::npos);
    EXPECT_EQ(full.err,
              "rapport demo: " + option + " /dev/full: cannot write it: No space left on device\n");
    const Outcome none = rapport({"demo", "life", option, "/nonexistent/a"});
    EXPECT_EQ(none.status, 2);
    EXPECT_EQ(none.out, "");
    EXPECT_EQ(lines(none.err).size(), 1U) << none.err;
    const Outcome nameless = rapport({"demo", "life", option, ""});
    EXPECT_EQ(nameless.status, 2);
    EXPECT_EQ(lines(nameless.err).size(), 1U) << nameless.err;
    EXPECT_NE(nameless.err.find(option), std::string::npos) << nameless.err;
  }
}

}  // namespace
}  // namespace rapport::app
