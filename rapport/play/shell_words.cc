// The words of shell lines.
#include "rapport/play/shell_words.hh"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace rapport::play {

namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && (is_blank(s.front()) || s.front() == '\n')) s.remove_prefix(1);
  while (!s.empty() && (is_blank(s.back()) || s.back() == '\n')) s.remove_suffix(1);
  return s;
}

// "15*1024 * 1024": products of numbers.
std::optional<int64_t> product(std::string_view text) {
  int64_t all = 1;
  while (true) {
    text = trimmed(text);
    int64_t factor = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), factor);
    if (error != std::errc{} || __builtin_mul_overflow(all, factor, &all)) return std::nullopt;
    text = trimmed(text.substr(static_cast<size_t>(end - text.data())));
    if (text.empty()) return all;
    if (text.front() != '*') return std::nullopt;
    text.remove_prefix(1);
  }
}

class Splitter {
 public:
  explicit Splitter(std::string_view text) : text_(text) {}

  std::vector<ShellPipeline> run();

 private:
  void step();
  bool separator();
  bool redirection();
  void word();
  void quoted(char quote);
  void dollar();
  void end_word();
  void end_command();
  void end_pipeline();

  [[nodiscard]] char look(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }

  [[nodiscard]] bool starts(std::string_view s) const { return text_.substr(at_).starts_with(s); }

  enum class Next : uint8_t { Word, Target, Nothing };

  std::string_view text_;
  size_t at_ = 0;
  size_t begin_ = 0;  // of the pipeline
  std::string word_;
  bool in_word_ = false;
  Next next_ = Next::Word;  // what the word at hand is
  ShellCommand command_;
  ShellPipeline pipeline_;
  std::vector<ShellPipeline> all_;
};

void Splitter::end_word() {
  if (!in_word_) return;
  const bool counts = next_ == Next::Target && word_ != "/dev/null";
  if (next_ == Next::Word) command_.words.push_back(word_);
  if (counts) command_.targets.push_back(word_);
  word_.clear();
  in_word_ = false;
  next_ = Next::Word;
}

void Splitter::end_command() {
  end_word();
  if (next_ != Next::Word) pipeline_.odd = true;  // a ">" without a target
  next_ = Next::Word;
  pipeline_.commands.push_back(std::exchange(command_, {}));
}

void Splitter::end_pipeline() {
  end_command();
  pipeline_.source = trimmed(text_.substr(begin_, at_ - begin_));
  const bool empty = pipeline_.commands.size() == 1 && pipeline_.commands[0].words.empty()
                     && pipeline_.commands[0].targets.empty() && !pipeline_.odd;
  if (!empty) all_.push_back(pipeline_);
  pipeline_ = {};
}

bool Splitter::separator() {
  const bool both = starts("&&") || starts("||");
  if (!both && look() != ';' && look() != '\n' && look() != '|') return false;
  if (look() == '|' && !both) {
    end_command();
    ++at_;
    return true;
  }
  end_pipeline();
  pipeline_.after_or = starts("||");
  at_ += both ? 2 : 1;
  begin_ = at_;
  return true;
}

// "> file", "2>&1", ">> file", "2> file". What comes from a file is not known here.
bool Splitter::redirection() {
  const bool numbered = !in_word_ && (look() == '1' || look() == '2') && look(1) == '>';
  if (!numbered && look() != '>' && look() != '<') return false;
  end_word();
  if (look() == '<') pipeline_.odd = true;
  at_ += numbered ? 2 : 1;
  if (look() == '>') ++at_;
  next_ = Next::Target;
  if (look() != '&') return true;
  at_ += 2;  // "&1"
  next_ = Next::Word;
  return true;
}

void Splitter::quoted(char quote) {
  in_word_ = true;
  ++at_;
  while (at_ < text_.size() && look() != quote) {
    if (quote == '"' && look() == '$') {
      dollar();
      continue;
    }
    if (quote == '"' && look() == '\\') ++at_;
    word_ += look();
    ++at_;
  }
  if (at_ >= text_.size()) pipeline_.odd = true;
  ++at_;
}

void Splitter::dollar() {
  in_word_ = true;
  const size_t end = text_.find("))", at_);
  if (starts("$((") && end != std::string_view::npos) {
    if (const auto n = product(text_.substr(at_ + 3, end - at_ - 3))) {
      word_ += std::to_string(*n);
      at_ = end + 2;
      return;
    }
  }
  pipeline_.odd = true;
  word_ += '$';
  ++at_;
}

void Splitter::word() {
  const char c = look();
  if (c == '\'' || c == '"') return quoted(c);
  if (c == '$') return dollar();
  if (c == '&' || c == '(' || c == ')' || c == '`') pipeline_.odd = true;
  if (c == '\\' && at_ + 1 < text_.size()) ++at_;
  in_word_ = true;
  word_ += look();
  ++at_;
}

void Splitter::step() {
  if (starts("\\\n")) {
    at_ += 2;
  } else if (look() == '#' && !in_word_) {
    at_ = std::min(text_.find('\n', at_), text_.size());
  } else if (is_blank(look())) {
    end_word();
    ++at_;
  } else if (!separator() && !redirection()) {
    word();
  }
}

std::vector<ShellPipeline> Splitter::run() {
  while (at_ < text_.size()) step();
  at_ = std::min(at_, text_.size());
  end_pipeline();
  return std::move(all_);
}

}  // namespace

std::vector<ShellPipeline> split_shell(std::string_view text) {
  return Splitter(text).run();
}

}  // namespace rapport::play
