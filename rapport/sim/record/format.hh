// The format of recordings (docs/replay.md is its table): a head of 16 octets, then records. All
// numbers are little-endian. A record: kind (1), length of the payload (4), check of these five
// (1), payload, CRC-32 of the file from its first octet up to here (4): what was changed, cut out
// or moved is found, and where.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace rapport::sim {

// As PNG's: a transfer as text, or with seven bits, spoils it.
inline constexpr std::array<uint8_t, 8> kRecordingMagic{0x89, 'R',  'P',  'T',
                                                        0x0d, 0x0a, 0x1a, 0x0a};
// Rises whenever an old program could not read a new file, or the other way round.
inline constexpr uint16_t kRecordingVersion = 1;
inline constexpr size_t kRecordingHead = 16;  // magic, version (2), zeros
inline constexpr size_t kRecordHead = 6, kRecordTail = 4;
// Longer ones are neither written nor believed.
inline constexpr uint32_t kLongestRecord = 1U << 26;

enum class RecordKind : uint8_t {
  About = 1,  // program, seed, what was asked, rules switched off: once, first
  Host,       // a stack begins: its name, pool, trace and settings
  Asked,      // what a stack is asked, with its time and what is left of its pool
  Answered,   // what came of it; often with the fingerprint afterwards
  Wire,       // what becomes of a copy of a frame between two hosts
  Fate,       // what became of it in the end, where that is another thing
  Gathered,   // a host's trace was read
  Remark,     // words at a host's rail
  Ladder,     // two hosts whose ladder tells the story
  Gone,       // a stack has ended
  End,        // nothing was left out
  kCount
};

// Over the first five octets of a record: any one of them changed is found.
[[nodiscard]] constexpr uint8_t head_check(std::span<const uint8_t, 5> head) {
  uint8_t sum = 0xa5;
  for (const uint8_t octet : head) sum = static_cast<uint8_t>(sum ^ octet);
  return sum;
}

// CRC-32 (IEEE 802.3, reflected) of `octets`, going on from `crc`, which is 0 at first.
[[nodiscard]] uint32_t crc32(std::span<const uint8_t> octets, uint32_t crc = 0);

}  // namespace rapport::sim
