// Build options as constants: the one place where the preprocessor decides anything in rapport/.
#pragma once

namespace rapport {

// RAPPORT_CHECKS=1 turns on the costly invariants: the two-halves oracle, the auditors of every
// turn.
#if defined(RAPPORT_CHECKS) && RAPPORT_CHECKS
inline constexpr bool kChecks = true;
#else
inline constexpr bool kChecks = false;
#endif

}  // namespace rapport
