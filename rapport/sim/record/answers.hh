// What came of a question, as octets: written by Recording, made again and compared by Replay.
// Private to sim/record.
#pragma once

#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/seq.hh"
#include "rapport/sim/record/format.hh"
#include "rapport/sim/record/put.hh"
#include "rapport/stack/recording.hh"

#include <cstdint>
#include <optional>
#include <type_traits>
#include <variant>

namespace rapport::sim {

// A frame stands for itself by its length and checksum, and so does text.
inline void put_answer(Put& put, const stack::Answer& answer, std::optional<uint64_t> fingerprint) {
  put(static_cast<uint8_t>(answer.result.index()), fingerprint.has_value());
  if (fingerprint) put.fixed(*fingerprint);
  std::visit(
      [&]<class T>(const T& result) {
        if constexpr (std::is_same_v<T, stack::FrameTaken>) {
          const bool any = result.frame != nullptr && *result.frame;
          put(any);
          if (!any) return;
          put(result.interface);
          put.number(result.frame->size());
          put.fixed(crc32(result.frame->bytes()));
        } else if constexpr (std::is_same_v<T, stack::EventTaken>) {
          put(result.any);
          if (result.any) put(result.event);
        } else if constexpr (!std::is_same_v<T, std::monostate>) {
          put(result);
        }
      },
      answer.result);
  if (answer.text.empty()) return;
  put.number(answer.text.size());
  put.fixed(crc32(answer.text));
}

}  // namespace rapport::sim
