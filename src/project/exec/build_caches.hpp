// Warnings about build.cache_from and cache_to before a build.
#pragma once

#include "project/exec/session.hpp"

namespace consort::project {

// Warns of cache types that only other builders support, by name.
void warn_of_unused_caches(Session& session, const compose::Service& service);

}  // namespace consort::project
