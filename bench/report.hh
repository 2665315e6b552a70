// Figures and how they are shown: medians of several runs as a table for people or as one JSON
// object a line. Time is measured here and gates nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rapport::bench {

struct Sample {
  double value = 0;
  double peer = 0;  // the peer doing the same in the same run; 0: there is none
};

struct Figure {
  std::string name;
  std::string unit;
  std::string peer;  // empty: none
  std::vector<Sample> samples;
};

[[nodiscard]] double median(std::vector<double> values);
void print_heading();
void print_row(const Figure& figure);
void print_json(const Figure& figure);

// Seconds that this thread has had of its processor, system calls included. On an idle machine that
// is the clock on the wall, since nothing here waits; on a busy one it leaves the others out.
[[nodiscard]] double seconds();
// This thread and its children stay on one processor; returns which.
int pin_to_one_core();

}  // namespace rapport::bench
