// Decisions in the order of RFC 9110 13.2: first whether the request is sound, then preconditions,
// then ranges.
#include "rapport/app/serve_answer.hh"

#include "rapport/app/http_fields.hh"
#include "rapport/app/serve_site.hh"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <sys/types.h>
#include <unistd.h>

namespace rapport::app {
namespace {

// The same target with '/' behind its path. Of several slashes in front one is left: "//name" would
// name another host (RFC 3986 4.2).
std::string with_slash(std::string_view target) {
  while (target.starts_with("//")) target.remove_prefix(1);
  const size_t query = std::min(target.find('?'), target.size());
  return std::string(target.substr(0, query)) + "/" + std::string(target.substr(query));
}

Validators validators_of(const SiteFile& file) {
  return {file.etag, file.modified};
}

void add_validators(Answer& answer, const SiteFile& file) {
  answer.fields.emplace_back("Last-Modified", http_date(file.modified));
  answer.fields.emplace_back("ETag", file.etag);
}

std::string content_range(const ByteRange& r, uint64_t size) {
  return fmt::format("bytes {}-{}/{}", r.first, r.first + r.length - 1, size);
}

// RFC 9110 14.6: each part with the type and the range of its own.
void add_parts(Answer& answer, const SiteFile& file, const std::vector<ByteRange>& parts) {
  // Long and drawn from what identifies the file: whoever writes a file cannot know when it will
  // be written.
  const std::string boundary = "rapport-" + file.etag.substr(1, file.etag.size() - 2) + "-part";
  answer.fields.emplace_back("Content-Type", "multipart/byteranges; boundary=" + boundary);
  for (const ByteRange& r : parts) {
    answer.body.add(fmt::format("\r\n--{}\r\nContent-Type: {}\r\nContent-Range: {}\r\n\r\n",
                                boundary, file.type, content_range(r, file.size)));
    answer.body.add(r);
  }
  answer.body.add(fmt::format("\r\n--{}--\r\n", boundary));
}

Answer not_modified(const SiteFile& file) {
  Answer answer;
  answer.status = 304;
  add_validators(answer, file);
  return answer;
}

Answer answer_with(SiteFile file, const WantedRanges& wanted) {
  using enum WantedRanges::Kind;
  Answer answer;
  if (wanted.kind == Unsatisfiable) {
    answer = refusal(416);
    answer.fields.emplace_back("Content-Range", fmt::format("bytes */{}", file.size));
    return answer;
  }
  answer.body = Body(std::move(file.fd));
  answer.fields.emplace_back("Accept-Ranges", "bytes");
  add_validators(answer, file);
  if (wanted.kind == Parts) answer.status = 206;
  if (wanted.parts.size() > 1) {
    add_parts(answer, file, wanted.parts);
    return answer;
  }
  answer.fields.emplace_back("Content-Type", file.type);
  if (wanted.kind == Parts) {
    answer.fields.emplace_back("Content-Range", content_range(wanted.parts.front(), file.size));
    answer.body.add(wanted.parts.front());
  } else {
    answer.body.add(ByteRange{0, file.size});
  }
  return answer;
}

Answer refusal_for(Refusal why, const Request& request) {
  Answer answer =
      refusal(status_of(why), why == Refusal::NoIndex ? "no index.html here; name a file" : "");
  if (why == Refusal::IsFolder) answer.fields.emplace_back("Location", with_slash(request.target));
  return answer;
}

std::string allowed(const Rules& rules) {
  return rules.upload ? "GET, HEAD, PUT" : "GET, HEAD";
}

Answer closing(Answer answer) {
  answer.keep_alive = false;
  return answer;
}

}  // namespace

void Body::add(std::string text) {
  length_ += text.size();
  pieces_.push_back({std::move(text), {}, true});
}

void Body::add(ByteRange range) {
  length_ += range.length;
  pieces_.push_back({{}, range, false});
}

std::optional<size_t> Body::fill(std::span<char> into) {
  size_t done = 0;
  while (done < into.size() && piece_ < pieces_.size()) {
    const Piece& p = pieces_[piece_];
    const uint64_t length = p.is_text ? p.text.size() : p.range.length;
    const size_t want = std::min<uint64_t>(into.size() - done, length - at_);
    if (p.is_text) {
      std::memcpy(into.data() + done, p.text.data() + at_, want);
    } else if (want > 0) {
      const ssize_t got =
          ::pread(file_.get(), into.data() + done, want, static_cast<off_t>(p.range.first + at_));
      if (got != static_cast<ssize_t>(want)) return std::nullopt;
    }
    done += want;
    at_ += want;
    if (at_ == length) {
      ++piece_;
      at_ = 0;
    }
  }
  return done;
}

std::string_view reason_phrase(unsigned status) {
  static constexpr std::array<std::pair<unsigned, std::string_view>, 25> kPhrases{{
      {100, "Continue"},
      {200, "OK"},
      {201, "Created"},
      {204, "No Content"},
      {206, "Partial Content"},
      {301, "Moved Permanently"},
      {304, "Not Modified"},
      {400, "Bad Request"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {411, "Length Required"},
      {412, "Precondition Failed"},
      {413, "Payload Too Large"},
      {416, "Range Not Satisfiable"},
      {417, "Expectation Failed"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {503, "Service Unavailable"},
      {505, "HTTP Version Not Supported"},
      {507, "Insufficient Storage"},
  }};
  const auto* found =
      std::ranges::find(kPhrases, status, &std::pair<unsigned, std::string_view>::first);
  return found == kPhrases.end() ? "Unknown" : found->second;
}

Answer refusal(unsigned status, std::string_view advice) {
  Answer answer;
  answer.status = status;
  answer.fields.emplace_back("Content-Type", "text/plain; charset=utf-8");
  std::string text = fmt::format("{} {}\n", status, reason_phrase(status));
  if (!advice.empty()) text += fmt::format("{}\n", advice);
  answer.body.add(std::move(text));
  return answer;
}

unsigned status_of(Refusal r) {
  switch (r) {
    case Refusal::BadTarget: return 400;
    case Refusal::Forbidden: return 403;
    case Refusal::NotFound:
    case Refusal::NoIndex: return 404;
    case Refusal::IsFolder: return 301;
    case Refusal::NoParent:
    case Refusal::InTheWay: return 409;
    case Refusal::AlreadyThere: return 412;
    case Refusal::Overloaded: return 503;
    case Refusal::DiskFull: return 507;
  }
  return 500;
}

std::optional<Answer> refusal_of_form(const Request& request, const Rules& rules) {
  if (request.version / 10 != 1) return closing(refusal(505));
  // RFC 9112 3.2: a request of HTTP/1.1 without Host, or with more than one, is a bad request.
  if (request.hosts > 1 || (request.hosts == 0 && request.version == 11)) {
    return closing(refusal(400));
  }
  // RFC 9112 6.3: both framings at once may be an attempt at smuggling.
  if (request.chunked && request.length) return closing(refusal(400));
  if (request.method == Method::Unknown) return closing(refusal(501));
  const bool put = request.method == Method::Put;
  if (request.method == Method::Other || (put && !rules.upload)) {
    Answer answer = refusal(405);
    answer.fields.emplace_back("Allow", allowed(rules));
    answer.keep_alive = !request.chunked && request.length.value_or(0) == 0;
    return answer;
  }
  if (put && !request.chunked && !request.length) return closing(refusal(411));
  if (put && request.part_of_content) return closing(refusal(400));  // RFC 9110 14.5
  if (request.length.value_or(0) > (put ? rules.upload_octets : rules.body_octets)) {
    return closing(refusal(413));
  }
  if (request.expect && request.version >= 11) {
    std::string expectation = *request.expect;
    std::ranges::transform(expectation, expectation.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (expectation != "100-continue") return closing(refusal(417));
  }
  return std::nullopt;
}

Answer answer_to(const Request& request, const Site& site, std::time_t now) {
  auto file = site.find(request.target);
  if (!file) return refusal_for(file.error(), request);
  const Validators current = validators_of(*file);
  switch (verdict_of(request.conditions, &current, true)) {
    case Verdict::NotModified: return not_modified(*file);
    case Verdict::Failed: return refusal(412);
    case Verdict::Proceed: break;
  }
  WantedRanges wanted;
  if (request.method == Method::Get && request.range
      && if_range_holds(request.conditions, current, now)) {
    wanted = ranges_of(*request.range, file->size);
  }
  return answer_with(std::move(*file), wanted);
}

bool must_be_new(const Request& request) {
  return request.conditions.if_none_match == "*";
}

std::optional<Answer> refusal_of_upload(const Request& request, const Site& site) {
  const auto file = site.find(request.target);
  if (!file && file.error() == Refusal::BadTarget) return closing(refusal(400));
  const Validators current = file ? validators_of(*file) : Validators{};
  const Verdict verdict = verdict_of(request.conditions, file ? &current : nullptr, false);
  if (verdict != Verdict::Proceed) return closing(refusal(412));
  return std::nullopt;
}

}  // namespace rapport::app
