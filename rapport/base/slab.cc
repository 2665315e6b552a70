// Reservation: address space from the kernel, or for a small one the heap, which is cheaper to get
// by an order of magnitude (worlds of a thousand stacks a second). Small pages only, touched in
// small pieces ahead of need, because the first touch of a page is the longest pause that a growing
// table can cause; huge pages only for what is populated as a whole at the start. Nothing is
// unmapped before the end.
#include "rapport/base/slab.hh"

#include "rapport/base/assert.hh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

#include <sys/mman.h>

namespace rapport {
namespace {

constexpr size_t kPage = 4096;
constexpr size_t kSmall = size_t{64} * 1024;  // up to here from the heap, all of it at once
constexpr std::align_val_t kCacheLine{64};

// Per thread, as a shard's reservations are: no atomics here.
constinit thread_local uint64_t mappings_made = 0;

constexpr size_t whole_pages(size_t octets) {
  return (octets + kPage - 1) & ~(kPage - 1);
}

// Writes what is there, so that a page which its owner used early keeps its contents.
void make_resident(std::byte* from, const std::byte* to) {
  for (std::byte* p = from; p < to; p += kPage) {
    volatile std::byte* at = p;
    *at = *at;
  }
}

}  // namespace

Reservation::Reservation(size_t octets) : size_(whole_pages(std::max<size_t>(octets, 1))) {
  if (size_ <= kSmall) {
    data_ = static_cast<std::byte*>(::operator new(size_, kCacheLine));
    std::memset(data_, 0, size_);
    return;
  }
  void* at = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT(at != MAP_FAILED);
  ++mappings_made;
  data_ = static_cast<std::byte*>(at);
  (void)::madvise(data_, size_,
                  MADV_NOHUGEPAGE);  // advice: without THP it fails, and is not needed
}

Reservation::~Reservation() {
  if (size_ <= kSmall) {
    ::operator delete(data_, size_, kCacheLine);
  } else {
    (void)::munmap(data_, size_);
  }
}

size_t Reservation::touch(size_t upto, size_t limit) {
  const size_t end = std::min(whole_pages(std::min(upto, size_)), touched_ + limit / kPage * kPage);
  if (end <= touched_) return 0;
  const size_t octets = touch_range(touched_, end);
  touched_ = end;
  return octets;
}

size_t Reservation::touch_range(size_t from, size_t upto) {
  const size_t begin = from / kPage * kPage;
  const size_t end = std::min(whole_pages(upto), size_);
  if (end <= begin) return 0;
  make_resident(data_ + begin, data_ + end);
  return end - begin;
}

void Reservation::populate(size_t from) {
  const size_t begin = from / kPage * kPage;
  ASSERT(begin <= size_);
  if (size_ > kSmall) {
    (void)::madvise(data_ + begin, size_ - begin, MADV_HUGEPAGE);  // advice, as above
  }
  make_resident(data_ + begin, data_ + size_);
  if (begin <= touched_) touched_ = size_;
}

uint64_t Reservation::mappings() {
  return mappings_made;
}

}  // namespace rapport
