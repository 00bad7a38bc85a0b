// Container output as a stream: Engine::logs(), and Engine::hold_output() for all of it from the first byte on. A
// reader returns whole lines (with tail, since and until) or raw bytes, never blocks, and has a descriptor that becomes
// readable when there may be more; see supervisor/log_reader.hpp. It does not need the engine any more, and remains
// valid across restarts and log rotations, as long as the container exists. One thread at a time.
#pragma once

#include "supervisor/log_reader.hpp"

namespace consort::engine {

using supervisor::LogLine;
using supervisor::LogReader;
using supervisor::LogReadOptions;
using supervisor::LogRecord;
using supervisor::LogStream;

}  // namespace consort::engine
