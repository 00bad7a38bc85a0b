#pragma once

namespace consort {

inline constexpr const char* version = CONSORT_VERSION;
// The release of Docker Compose whose words, output and exit codes we keep; it stands in the labels.
inline constexpr const char* compose_version = "2.40.3";

}  // namespace consort
