// Ignore files of build contexts and their patterns, for code that must exclude the same files as a build.
#pragma once

#include "build/ignore.hpp"

namespace consort::engine {

using build::load_ignore;
using build::PathPattern;
using build::PatternList;

}  // namespace consort::engine
