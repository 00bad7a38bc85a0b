// Ignore files of build contexts and their patterns, for code that must leave out what a build leaves out.
#pragma once

#include "build/ignore.hpp"

namespace consort::engine {

using build::load_ignore;
using build::PathPattern;
using build::PatternList;

}  // namespace consort::engine
