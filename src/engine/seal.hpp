// Running from a sealed executable: a process inside a container must not be able to write to the program that started
// it. Programs that build (steps run as children of the caller) therefore re-execute themselves from a sealed
// descriptor at the top of main, while there is only one thread.
#pragma once

#include "runtime/exe_seal.hpp"

namespace consort::engine {

using runtime::reexec_sealed;
using runtime::running_sealed;

}  // namespace consort::engine
