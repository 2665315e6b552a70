// How much memory `play` holds at its worst, in counted octets: a script's text is kept no longer
// than it is judged, in no more than its size.
#include "rapport/app/play_files.hh"
#include "tests/unit/play_verb/play.hh"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <string>

#include <gtest/gtest.h>
#include <malloc.h>

namespace {

std::atomic<int64_t> live = 0;
std::atomic<int64_t> most = 0;

void* counted(std::size_t n) {
  void* p = std::malloc(n == 0 ? 1 : n);
  if (p == nullptr) std::abort();
  const int64_t now = live += static_cast<int64_t>(::malloc_usable_size(p));
  int64_t before = most;
  while (before < now && !most.compare_exchange_weak(before, now)) {
  }
  return p;
}

void uncounted(void* p) {
  if (p != nullptr) live -= static_cast<int64_t>(::malloc_usable_size(p));
  std::free(p);
}

}  // namespace

void* operator new(std::size_t n) {
  return counted(n);
}

void* operator new[](std::size_t n) {
  return counted(n);
}

void operator delete(void* p) noexcept {
  uncounted(p);
}

void operator delete[](void* p) noexcept {
  uncounted(p);
}

void operator delete(void* p, std::size_t /*size*/) noexcept {
  uncounted(p);
}

void operator delete[](void* p, std::size_t /*size*/) noexcept {
  uncounted(p);
}

namespace rapport::app {

namespace {

// The most that was held at once while a folder of `count` scripts was played.
int64_t peak_of(int count, size_t padding) {
  const Folder folder;
  const std::string text = std::string(kPasses) + "// " + std::string(padding, 'x') + "\n";
  for (int i = 0; i < count; ++i) (void)folder.add(std::to_string(i) + ".pkt", text);
  const int64_t before = live;
  most = before;
  const Played p = play({"--quiet", folder.path()});
  EXPECT_EQ(p.last_line(), std::to_string(count) + " passed, 0 failed, 0 skipped");
  return most - before;
}

TEST(PlayMemory, AThousandScriptsNeedHardlyMoreThanTen) {
  constexpr size_t kPadding = 20'000;
  const int64_t few = peak_of(10, kPadding);
  const int64_t many = peak_of(1'000, kPadding);
  // What is left is their names.
  EXPECT_LT(many - few, 990 * int64_t{512});
}

TEST(PlayMemory, ATextTakesItsSize) {
  const Folder folder;
  const auto text = read_script(folder.add("a.pkt", kPasses));
  ASSERT_TRUE(text);
  EXPECT_EQ(*text, kPasses);
  EXPECT_LT(text->capacity(), kPasses.size() + 64);
}

}  // namespace

}  // namespace rapport::app
