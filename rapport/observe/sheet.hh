// Sheet: the paper that ladders are drawn on: two rails with room between them, time and state
// beside each. It knows rows and columns; what stands in them is its caller's business. No clock,
// no I/O.
#pragma once

#include "rapport/observe/strip.hh"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rapport::observe {

// The rail that an arrow leaves.
enum class Leaves : uint8_t { None, Left, Right };

// What stands left or right of the rails on one row.
struct Beside {
  std::string time, state;
  Ink ink = Ink::Plain;
};

class Sheet {
 public:
  struct Measures {
    size_t width = 100;  // columns in all
    size_t time = 6, state = 12;
  };

  // `signs` must outlive it.
  Sheet(const Measures& measures, const Signs& signs, bool colour);

  // Columns between the rails.
  [[nodiscard]] size_t middle() const { return middle_; }

  // One row. `middle` is exactly middle() columns wide.
  void put(const Strip& middle, const Beside& left, const Beside& right,
           Leaves leaves = Leaves::None);
  // Text next to the rail of one side; lines that are too long are broken.
  void tell(bool on_left, std::string_view text, Ink ink, const Beside& beside, size_t indent);
  // A row of its own between interrupted rails: a silence, or what was left out.
  void interrupt(std::string_view text);
  // Names at the rails.
  void title(std::string_view left, std::string_view right, Ink ink);
  // Words below the ladder, as many a line as fit.
  void foot(const std::vector<std::string>& words);

  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  Measures measures_;
  const Signs& signs_;
  bool colour_;
  size_t middle_;
  std::string out_;
};

}  // namespace rapport::observe
