// What `rapport serve` finds below its folder, and what it refuses.
#include "rapport/app/serve_site.hh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rapport::app {
namespace {

namespace fs = std::filesystem;

class SiteTest : public testing::Test {
 protected:
  SiteTest()
      : root(fs::path(testing::TempDir()) / ("rapport-site-" + std::to_string(::getpid()))),
        folder(root / "site") {
    fs::create_directories(folder / "sub");
    write(folder / "index.html", "front");
    write(folder / "sub" / "index.html", "below");
    write(folder / "a b.txt", "blank");
    fs::create_directories(folder / "bare");
    fs::create_directories(folder / ".git");
    write(folder / ".git" / "config", "nobody means to serve this");
    write(folder / ".git" / "index.html", "nor this");
    write(folder / "sub" / ".hidden", "nor that");
    write(root / "secret", "nobody may read this");
    fs::create_symlink(root / "secret", folder / "absolute-way-out");
    fs::create_symlink("../secret", folder / "relative-way-out");
    fs::create_symlink("..", folder / "folder-way-out");
    fs::create_symlink("sub/index.html", folder / "way-in");
    EXPECT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
    auto opened = Site::open(folder.string());
    EXPECT_TRUE(opened.has_value());
    if (opened) site.emplace(std::move(*opened));
  }

  ~SiteTest() override {
    std::error_code ignored;
    fs::remove_all(root, ignored);
  }

  static void write(const fs::path& path, std::string_view text) { std::ofstream(path) << text; }

  std::string content(std::string_view target) {
    if (!site) return "no site";
    auto file = site->find(target);
    if (!file) return "refused";
    std::array<char, 64> octets{};
    const ssize_t n = ::read(file->fd.get(), octets.data(), octets.size());
    EXPECT_EQ(static_cast<uint64_t>(n), file->size);
    return {octets.data(), static_cast<size_t>(n)};
  }

  std::optional<Refusal> refusal(std::string_view target) {
    if (!site) return std::nullopt;
    auto file = site->find(target);
    if (file) return std::nullopt;
    return file.error();
  }

  fs::path root, folder;
  std::optional<Site> site;
};

TEST_F(SiteTest, AnUploadThatMustBeNewIsRefusedIfAnotherCameFirst) {
  auto late = site->upload("/new.txt");
  ASSERT_TRUE(late);
  ASSERT_EQ(late->write(std::string_view("late")), 0);
  auto early = site->upload("/new.txt");
  ASSERT_TRUE(early);
  ASSERT_EQ(early->write(std::string_view("early")), 0);
  EXPECT_TRUE(early->commit(true).value_or(false));
  const auto second = late->commit(true);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error(), Refusal::AlreadyThere);
  EXPECT_EQ(content("/new.txt"), "early");
  EXPECT_FALSE(late->commit(false).value_or(true)) << "it takes the place of one";
  EXPECT_EQ(content("/new.txt"), "late");
  for (const auto& entry : fs::directory_iterator(folder)) {
    EXPECT_FALSE(entry.path().filename().string().starts_with(".rapport")) << entry.path();
  }
}

TEST_F(SiteTest, FindsFilesAndTheIndexOfFolders) {
  EXPECT_EQ(content("/index.html"), "front");
  EXPECT_EQ(content("/"), "front");
  EXPECT_EQ(content("/?query=/../x"), "front");
  EXPECT_EQ(content("/sub/"), "below");
  EXPECT_EQ(content("/a%20b.txt"), "blank");
  EXPECT_EQ(content("/%69ndex%2ehtml"), "front");
  EXPECT_EQ(content("//index.html"), "front");
  EXPECT_EQ(content("/sub/../index.html"), "front");
  EXPECT_EQ(content("/way-in"), "below");
  EXPECT_EQ(content("http://10.77.0.2/sub/"), "below");
  EXPECT_EQ(content("http://10.77.0.2"), "front");
}

TEST_F(SiteTest, NothingLeadsOut) {
  for (const char* target :
       {"/../secret", "/%2e%2e/secret", "/%2E%2e/secret", "/sub/../../secret", "/..%2fsecret",
        "/%2e%2e%2fsecret", "//../secret", "/absolute-way-out", "/relative-way-out",
        "/folder-way-out/secret", "/sub/%2e%2e/%2e%2e/secret", "/folder-way-out/"}) {
    EXPECT_EQ(refusal(target), Refusal::Forbidden) << target;
  }
  EXPECT_EQ(refusal((root / "secret").string()), Refusal::NotFound) << "a name below the folder";
}

TEST_F(SiteTest, NamesThatBeginWithADotAreNotFound) {
  for (const char* target : {"/.git/config", "/%2egit/config", "/.git/", "/.git", "/sub/.hidden",
                             "/sub/../.git/config", "//.git//config", "/./.git/config"}) {
    EXPECT_EQ(refusal(target), Refusal::NotFound) << target;
  }
  EXPECT_EQ(content("/./sub/./index.html"), "below") << "a dot alone is no name";
}

TEST_F(SiteTest, AFolderWithoutIndexSaysSo) {
  EXPECT_EQ(refusal("/bare/"), Refusal::NoIndex);
  EXPECT_EQ(refusal("/bare"), Refusal::IsFolder);
  fs::remove(folder / "index.html");
  EXPECT_EQ(refusal("/"), Refusal::NoIndex);
}

TEST_F(SiteTest, RefusesWhatIsNoPath) {
  for (const char* target : {"", "*", "index.html", "?x", "/%", "/%4", "/%zz", "/%00",
                             "/index.html%00.txt", "ftp://x/y"}) {
    EXPECT_EQ(refusal(target), Refusal::BadTarget) << target;
  }
  EXPECT_EQ(refusal("/" + std::string(5000, 'x')), Refusal::BadTarget);
}

TEST_F(SiteTest, TellsFoldersAndOtherThingsFromFiles) {
  EXPECT_EQ(refusal("/sub"), Refusal::IsFolder);
  EXPECT_EQ(refusal("/pipe"), Refusal::Forbidden) << "and does not wait for its writer";
  EXPECT_EQ(refusal("/nothing"), Refusal::NotFound);
  EXPECT_EQ(refusal("/index.html/x"), Refusal::NotFound);
  EXPECT_EQ(refusal("/nothing/"), Refusal::NotFound);
}

TEST(Site, AFolderThatIsNotThereIsOneLine) {
  const auto missing = Site::open("/nowhere/at/all");
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error(), "there is no folder '/nowhere/at/all'");
  const auto file = Site::open("/proc/self/status");
  ASSERT_FALSE(file.has_value());
  EXPECT_EQ(file.error(), "'/proc/self/status' is no folder");
}

TEST(MediaType, IsByTheEnding) {
  EXPECT_EQ(media_type("/x/index.html"), "text/html; charset=utf-8");
  EXPECT_EQ(media_type("/x/PHOTO.JPG"), "image/jpeg");
  EXPECT_EQ(media_type("/x.html/plain"), "application/octet-stream");
  EXPECT_EQ(media_type("/archive.tar.gz"), "application/gzip");
  EXPECT_EQ(media_type("/what.ever"), "application/octet-stream");
}

}  // namespace
}  // namespace rapport::app
