// `rapport demo --serve`: a kernel socket on 127.0.0.1 whose connections are carried through two
// hosts in memory, in real time, to an HTTP server that shows how.
#pragma once

#include "rapport/app/demo_stage.hh"

#include <cstdint>

namespace rapport::app {

// Serves until SIGINT or SIGTERM; prints where. Port 0: any that is free. `settings`: what the wire
// between the two hosts does. Returns the exit status; Misuse when it cannot listen.
int serve_demo(const DemoSettings& settings, uint16_t port);

}  // namespace rapport::app
