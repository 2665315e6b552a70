// Eight lanes at once against one after the other.
#include "rapport/base/lanes.hh"

#include <cstddef>
#include <cstdint>

#include <gtest/gtest.h>  // IWYU pragma: keep: rapidcheck/gtest.h needs it
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace rapport {
namespace {

RC_GTEST_PROP(Lanes, are_those_that_equal, ()) {
  alignas(32) uint32_t lanes[8];
  const auto value = *rc::gen::element<uint32_t>(0, 1, 0x7fffffff, 0x80000000, 0xffffffff);
  uint32_t expected = 0;
  for (size_t i = 0; i < 8; ++i) {
    const bool same = *rc::gen::arbitrary<bool>();
    lanes[i] = same ? value : *rc::gen::element<uint32_t>(value + 1, value ^ 0x100, ~value);
    expected |= static_cast<uint32_t>(same) << i;
  }
  RC_ASSERT(equal_lanes(lanes, value) == expected);
}

}  // namespace
}  // namespace rapport
