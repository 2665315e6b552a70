// StackHost: a Stack of ours in memory and in virtual time, with one application above it.
#pragma once

#include "host.hh"
#include "player.hh"
#include "rapport/base/frame.hh"
#include "rapport/base/handle.hh"
#include "rapport/base/reason.hh"
#include "rapport/base/time.hh"
#include "rapport/stack/stack.hh"
#include "rapport/tcp/commands.hh"
#include "sequence.hh"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace rapport::differential {

class StackHost final : public Host {
 public:
  explicit StackHost(const Ends& ends);

  void packet(std::span<const uint8_t> octets) override;
  std::string state() override;
  uint32_t unread() override;

  // Runs timers up to `until`; what is sent on the way goes to `player`.
  void runs_until(Instant until, Player& player);

  [[nodiscard]] Instant now() const { return now_; }

 private:
  void settles(Player& player);
  std::string opens(const std::string& what) override;
  std::string sends(uint32_t octets, bool urgent) override;
  std::string reads() override;
  std::string closes(const std::string& what) override;
  std::string error() override;
  void sets_option(const std::string& what, uint32_t number) override;

  Ends ends_;
  FramePool frames_;
  std::unique_ptr<stack::Stack> stack_;
  Instant now_{};
  Handle listener_, connection_;
  tcp::ConnectionOptions options_;
  CloseReason ended_ = CloseReason::None;
};

// Plays it against a Stack of its own.
[[nodiscard]] std::vector<Answer> play_on_stack(const Sequence& sequence, const Ends& ends);

}  // namespace rapport::differential
