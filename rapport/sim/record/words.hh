// What a recording holds, in words for people. Private to sim/record.
#pragma once

#include "rapport/sim/record/reader.hh"

#include <cstdint>
#include <span>
#include <string>

namespace rapport::sim {

// "receive 2 packets, 1500 octets", "send 13 octets on 4.1", ...
[[nodiscard]] std::string asked_words(const ReadAsked& asked);
// Of an answer as answers.hh writes it: "13 octets", "would block", ... `exact`: with everything
// that is compared. Words also for octets that are no answer.
[[nodiscard]] std::string answer_words(std::span<const uint8_t> answer, bool exact = false);

}  // namespace rapport::sim
