// Goes into the generated copy of the core only: which break or mutation is in force. 0: none, and
// the copy does what the core does. Nothing of this is ever part of the library.
#pragma once

#include <cstdlib>

namespace sabotage {

// RAPPORT_SABOTAGE, read once when the program starts.
inline const int chosen = [] {
  const char* text = std::getenv("RAPPORT_SABOTAGE");
  return text == nullptr ? 0 : std::atoi(text);
}();

inline constexpr int kMostFunctions = 4096;
// Functions that were reached, by number, while `notes_reach`: reach.cc asks.
inline bool notes_reach = false;
inline bool reached[kMostFunctions] = {};

// At the beginning of a function of this number: what is in force.
inline int in(int function) {
  if (notes_reach) reached[function] = true;
  return chosen;
}

}  // namespace sabotage
