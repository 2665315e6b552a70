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

// RAPPORT_RULE_SWITCHES=1 builds the stack for `rapport-worlds`, which shows what happens without a
// rule (tcp/rules.hh). No library that is installed and no other program is built so.
#if defined(RAPPORT_RULE_SWITCHES) && RAPPORT_RULE_SWITCHES
inline constexpr bool kRuleSwitches = true;
#else
inline constexpr bool kRuleSwitches = false;
#endif

}  // namespace rapport
