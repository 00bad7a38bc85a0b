// The system call filter of a container. Compiling one takes milliseconds, so the result is kept in data/cache and
// linked into the bundle: one file for all containers with the same capabilities and profile.
#include "runtime/seccomp.hpp"

#include <unistd.h>

#include <cerrno>
#include <functional>

#include "base/os/files/file.hpp"
#include "base/sha256.hpp"
#include "engine/engine_impl.hpp"
#include "engine/start/oci.hpp"
#include "engine/start/oci_runtime.hpp"

namespace consort::engine {

namespace {

Result<std::string> profile_of(const SecurityOptions& security, std::uint64_t capabilities) {
  if (security.seccomp.empty()) return runtime::default_seccomp_profile(capabilities);
  return runtime::resolve_seccomp_profile(security.seccomp, "seccomp profile", capabilities);
}

Result<> link_into(const std::string& from, const std::string& to) {
  if (::link(from.c_str(), to.c_str()) == 0) return {};
  if (errno != EEXIST) return fail_errno("link", to);
  if (::unlink(to.c_str()) != 0 || ::link(from.c_str(), to.c_str()) != 0) return fail_errno("link", to);
  return {};
}

}  // namespace

// The path of the compiled filter.
Result<std::string> Engine::Impl::compiled_filter(const SecurityOptions& security, std::uint64_t capabilities) {
  const std::scoped_lock lock(mutex_);
  const std::string key = std::to_string(capabilities) + "\n" + security.seccomp;
  if (const auto known = filters_.find(key); known != filters_.end()) return known->second;
  const std::string profile = TRY(profile_of(security, capabilities));
  const std::string directory = roots.data + "/cache/seccomp";
  const std::string path = directory + "/" + sha256_hex(profile).substr(0, 32) + ".bpf";
  if (!path_exists(path)) {
    TRY(make_directories(directory, 0700));
    TRY(write_file_atomic(path, TRY_WRAP(runtime::compile_seccomp(profile), "compile seccomp profile"), 0600));
  }
  return filters_[key] = path;
}

Result<> Engine::Impl::add_seccomp(const ContainerRecord& record, OciInput& input) {
  const std::string target = input.bundle + "/seccomp.bpf";
  if (record.spec.privileged || input.security.seccomp == "unconfined") return remove_file(target);
  const bool embedded = is_own_runtime(record.spec.runtime);
  if (!embedded) {
    input.seccomp_json = TRY(profile_of(input.security, input.capabilities));
    return {};
  }
  return link_into(TRY(compiled_filter(input.security, input.capabilities)), target);
}

}  // namespace consort::engine
