// While `armed`, whoever asks for memory ends the program: see allocation_test.cc.
#pragma once

namespace rapport::test {

extern bool armed;

}  // namespace rapport::test
