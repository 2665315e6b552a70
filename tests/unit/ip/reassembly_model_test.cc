// Reassembly against a model: each fragment compared with each other one (RFC 791, RFC 8200 4.5,
// RFC 5722).
#include "rapport/base/reason.hh"
#include "rapport/ip/reassembly.hh"
#include "rapport/wire/ipv4.hh"
#include "rapport/wire/ipv6.hh"
#include "reassembly_feed.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace rapport::ip {
namespace {

struct Part {
  uint16_t id = 0;
  uint32_t offset = 0;
  bool more = false;
  Octets data;

  [[nodiscard]] uint32_t end() const { return offset + static_cast<uint32_t>(data.size()); }
};

// What the RFCs say, one fragment compared with each other one.
class Model {
 public:
  DropReason hear(const Part& p) {
    if (p.data.empty()) return DropReason::FragmentEmpty;
    if (p.more && p.data.size() % 8 != 0) return DropReason::FragmentLength;
    Known& known = known_[p.id];
    if (known.given_up) return DropReason::FragmentOfDropped;
    const DropReason why = compare(known.parts, p);
    if (why == DropReason::None) {
      known.parts.push_back(p);
    } else if (why != DropReason::FragmentDuplicate) {
      known.given_up = true;
    }
    return why;
  }

  // The whole datagram, which is then forgotten; empty while it is not whole.
  Octets whole(uint16_t id) {
    auto parts = known_[id].parts;
    std::ranges::sort(parts, {}, &Part::offset);
    Octets all;
    for (const Part& p : parts) {
      if (p.offset != all.size()) return {};
      all.insert(all.end(), p.data.begin(), p.data.end());
    }
    if (parts.empty() || parts.back().more) return {};
    known_.erase(id);
    return all;
  }

 private:
  struct Known {
    std::vector<Part> parts;
    bool given_up = false;
  };

  static DropReason compare(const std::vector<Part>& parts, const Part& p) {
    for (const Part& q : parts) {
      if (q.offset == p.offset && q.data == p.data && q.more == p.more) {
        return DropReason::FragmentDuplicate;
      }
    }
    for (const Part& q : parts) {
      const bool p_beyond = !q.more && (p.more ? p.end() >= q.end() : p.end() != q.end());
      if (p_beyond || (!p.more && q.end() > p.end())) return DropReason::FragmentInconsistent;
    }
    for (const Part& q : parts) {
      if (p.offset < q.end() && q.offset < p.end()) return DropReason::FragmentOverlap;
    }
    return DropReason::None;
  }

  std::map<uint16_t, Known> known_;
};

// A datagram cut at random, each part perhaps twice, perhaps with parts that do not fit.
std::vector<Part> arbitrary_parts(uint16_t id) {
  const auto length = *rc::gen::inRange<size_t>(1, 200);
  const auto octets = *rc::gen::container<Octets>(length, rc::gen::arbitrary<uint8_t>());
  std::vector<Part> parts;
  for (size_t at = 0; at < length;) {
    const size_t n = std::min(length - at, size_t{8} * *rc::gen::inRange<size_t>(1, 8));
    const auto from = octets.begin() + static_cast<ptrdiff_t>(at);
    parts.push_back({.id = id,
                     .offset = static_cast<uint32_t>(at),
                     .more = at + n < length,
                     .data = {from, from + static_cast<ptrdiff_t>(n)}});
    at += n;
  }
  const size_t honest = parts.size();
  for (size_t i = 0; i < honest; ++i) {
    if (*rc::gen::inRange(0, 3) == 0) parts.push_back(parts[i]);
  }
  if (*rc::gen::inRange(0, 3) == 0) {
    const auto offset = 8 * *rc::gen::inRange<uint32_t>(0, 26);
    parts.push_back({.id = id,
                     .offset = offset,
                     .more = *rc::gen::arbitrary<bool>(),
                     .data = Octets(*rc::gen::inRange<size_t>(0, 40), 0x5a)});
  }
  return parts;
}

RC_GTEST_PROP(ReassemblyProperty, ItDoesAsTheModelDoes, ()) {
  std::vector<Part> parts;
  for (uint16_t id = 0; id < 3; ++id) {
    const auto some = arbitrary_parts(id);
    parts.insert(parts.end(), some.begin(), some.end());
  }
  for (size_t i = parts.size(); i > 1; --i) {
    std::swap(parts[i - 1], parts[*rc::gen::inRange<size_t>(0, i)]);
  }
  const bool six = *rc::gen::arbitrary<bool>();
  Reassembly pieces({});
  Model model;
  for (const Part& p : parts) {
    const auto offset = static_cast<uint16_t>(p.offset);
    const auto out = six ? pieces.receive(v6(offset, p.data, p.more, p.id), start)
                         : pieces.receive(v4(offset, p.data, p.more, p.id), start);
    RC_ASSERT(out.fault.reason == model.hear(p));
    const Octets whole = model.whole(p.id);
    RC_ASSERT((out.result == Complete) == !whole.empty());
    if (!whole.empty()) {
      const auto packet = out.packet.subspan(six ? wire::kIpv6Header : wire::kIpv4Header);
      RC_ASSERT(std::ranges::equal(packet, whole));
    }
  }
}

}  // namespace
}  // namespace rapport::ip
