// A process inside a container must not be able to write to the program that started it. Who builds (steps run as
// children of the caller) therefore runs from a sealed descriptor: at the top of main, while there is one thread.
#pragma once

#include "runtime/exe_seal.hpp"

namespace consort::engine {

using runtime::reexec_sealed;
using runtime::running_sealed;

}  // namespace consort::engine
