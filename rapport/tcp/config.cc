// Profiles of settings.
#include "rapport/tcp/config.hh"

#include "rapport/base/time.hh"

namespace rapport::tcp {

Config strict_profile() {
  Config c;
  c.two_msl = 240_s;
  c.min_rto = 1_s;
  c.time_wait_ignores_rst = false;
  c.check_ack_in_syn_received = true;
  c.ack_policy = AckPolicy::EverySecond;
  return c;
}

}  // namespace rapport::tcp
