// A line of text with inks, measured in columns, and the two sets of signs that a ladder is drawn
// with. Pure layout: what a line says is decided by its caller. Every sign is one column wide.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rapport::observe {

// What a piece of text is, not how it looks: colours are given in strip.cc.
enum class Ink : uint8_t { Plain, Dim, Strong, Open, Part, Reset, Call, Timer, Loss };

// How many columns `text` (UTF-8, no wide characters) takes.
[[nodiscard]] size_t columns(std::string_view text);

class Strip {
 public:
  Strip() = default;

  explicit Strip(std::string_view text, Ink ink = Ink::Plain) { add(text, ink); }

  Strip& add(std::string_view text, Ink ink = Ink::Plain);
  Strip& add(const Strip& other);
  // `sign` n times.
  Strip& repeat(std::string_view sign, size_t n, Ink ink = Ink::Plain);
  // Spaces up to `width` columns; nothing when it is already that wide.
  Strip& pad_to(size_t width);

  [[nodiscard]] size_t width() const { return width_; }

  [[nodiscard]] bool empty() const { return width_ == 0; }

  // The text with ANSI colours or without, no trailing spaces.
  [[nodiscard]] std::string render(bool colour) const;

 private:
  struct Piece {
    std::string text;
    Ink ink;
  };

  std::vector<Piece> pieces_;
  size_t width_ = 0;
};

// `left` and, at the end of `width` columns, `right`.
[[nodiscard]] Strip justified(const Strip& left, const Strip& right, size_t width);

// `words` joined by ", " (or as `glue` says) into lines of at most `width` columns; a longer word
// stands alone.
[[nodiscard]] std::vector<std::string> flow(const std::vector<std::string>& words, size_t width,
                                            std::string_view glue = ", ");
// A paragraph in lines of at most `width` columns, the second and later ones indented. Spaces
// inside a line stay as they are.
[[nodiscard]] std::vector<std::string> paragraph(std::string_view text, size_t width,
                                                 size_t indent);

struct Signs {
  std::string_view rail, leave_right, leave_left;  // the rail; an arrow leaves it to that side
  std::string_view head_right, head_left;
  std::string_view by_stack, by_call, by_timer, in_flight;  // lines
  std::string_view lost, call, timer, pause, middle_dot, dash;
};

[[nodiscard]] const Signs& signs(bool ascii);

}  // namespace rapport::observe
