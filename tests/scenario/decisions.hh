// The decision table of decisions.txt: what each cell of state, segment, sequence number and ACK
// number must draw. It knows words only: nothing of the library, and no stack.
#pragma once

#include <string>
#include <vector>

namespace rapport::scenario::table {

// One question. `ack` is "none" where the segment has no ACK bit.
struct Cell {
  std::string state, segment, where, ack;
};

std::string in_words(const Cell& cell);

// One line. The lists hold "*" for any.
struct Decision {
  int line = 0;
  std::vector<std::string> rules, states, segments, places, acks;
  std::string answer, next;  // next: "=" for the state as it was
};

// Throws std::runtime_error, with the line, where the file is no such table.
std::vector<Decision> read_decisions(const std::string& file);

// The words that a table may use.
const std::vector<std::string>& states();
const std::vector<std::string>& segments();
const std::vector<std::string>& places();
const std::vector<std::string>& acks();  // without "none"

bool has_ack(const std::string& segment);

// Every cell of a state: all segments, places and ACK numbers.
std::vector<Cell> cells_of(const std::string& state);

// The first line that fits; nullptr: the table leaves the cell open.
const Decision* decide(const std::vector<Decision>& table, const Cell& cell);

}  // namespace rapport::scenario::table
