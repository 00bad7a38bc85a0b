// The versions of this program and of the Docker Compose release that it follows.
#pragma once

namespace consort {

inline constexpr const char* version = CONSORT_VERSION;
// The Docker Compose release whose messages, output and exit codes we follow; also written to labels.
inline constexpr const char* compose_version = "2.40.3";

}  // namespace consort
