// System call filters. Compiling needs libseccomp and is in the library consort_seccomp, for the CLI; the supervisor,
// which loads the compiled filter, does not link it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace consort::runtime {

// The default profile as the OCI object linux.seccomp, for a container with these capabilities. Pure text; in
// consort_runtime.
std::string default_seccomp_profile(std::uint64_t capabilities);
// Converts a profile in Docker's format (security_opt: seccomp=FILE; with includes, excludes and archMap) to an OCI
// object.
Result<std::string> resolve_seccomp_profile(std::string_view docker_json, const std::string& source,
                                            std::uint64_t capabilities);

// Compiles an OCI linux.seccomp object to the bytes of a struct sock_filter[]. Skips names that libseccomp does not
// know; system calls newer than every one in the profile return ENOSYS. In consort_seccomp.
Result<std::string> compile_seccomp(std::string_view oci_json);

}  // namespace consort::runtime
