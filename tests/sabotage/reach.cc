// Writes down which functions each scenario reaches, a line "test<TAB>number number …" each, into
// the file that RAPPORT_SABOTAGE_REACH names: a mutation can only be caught by tests that reach it.
#include "sabotage.hh"

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include <gtest/gtest.h>

namespace {

class Notes : public testing::EmptyTestEventListener {
 public:
  explicit Notes(const char* path) : out_(path) { sabotage::notes_reach = true; }

  void OnTestStart(const testing::TestInfo&) override {
    std::fill(std::begin(sabotage::reached), std::end(sabotage::reached), false);
  }

  void OnTestEnd(const testing::TestInfo& test) override {
    out_ << test.name() << '\t';
    for (int f = 0; f < sabotage::kMostFunctions; ++f) {
      if (sabotage::reached[f]) out_ << f << ' ';
    }
    out_ << '\n';
  }

 private:
  std::ofstream out_;
};

[[maybe_unused]] const bool listening = [] {
  const char* path = std::getenv("RAPPORT_SABOTAGE_REACH");
  if (path != nullptr) testing::UnitTest::GetInstance()->listeners().Append(new Notes(path));
  return true;
}();

}  // namespace
