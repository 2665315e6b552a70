// Many scripts to their verdicts, several at a time. A text is kept no longer than it is judged,
// and a verdict no longer than until those of the files before it are there.
#pragma once

#include "rapport/play/judge.hh"
#include "rapport/play/place.hh"
#include "rapport/play/verdict.hh"

#include <cstddef>
#include <expected>
#include <functional>
#include <span>
#include <string>

namespace rapport::app {

// The error: the file is no script, or cannot be read.
using PlayResult = std::expected<play::Verdict, play::SyntaxError>;
using TellResult = std::function<void(const std::string& file, const PlayResult& result)>;

// `tell` gets the result of each file in the order of `files`, one call at a time, on any of the
// `jobs` threads, as soon as it can.
void judge_files(std::span<const std::string> files, const play::JudgeOptions& options, size_t jobs,
                 const TellResult& tell);

}  // namespace rapport::app
