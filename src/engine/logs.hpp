// What containers write, as a stream: Engine::logs(), and Engine::hold_output() for all of it from the first byte on.
// A reader gives whole lines (with tail, since and until) or the bytes themselves, gives what is there now, and has a
// descriptor that becomes readable when there may be more; supervisor/log_reader.hpp says how it is used. It needs no
// engine any more, and stays good across starts and rotations, for as long as the container is there.
#pragma once

#include "supervisor/log_reader.hpp"

namespace consort::engine {

using supervisor::LogLine;
using supervisor::LogReader;
using supervisor::LogReadOptions;
using supervisor::LogRecord;
using supervisor::LogStream;

}  // namespace consort::engine
