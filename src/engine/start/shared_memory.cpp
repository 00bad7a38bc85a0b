// Shared memory between containers: /dev/shm belongs to the IPC namespace, but a mount of one container cannot be bound
// into another. A donor (ipc: shareable) therefore gets its /dev/shm from the host, at bundle/shm.
#include <sys/mount.h>

#include <cerrno>

#include "base/os/files/file.hpp"
#include "engine/engine_impl.hpp"
#include "engine/start/oci.hpp"

namespace consort::engine {

Result<> Engine::Impl::add_shared_memory(const ContainerRecord& record, OciInput& input) {
  const std::string& mode = record.spec.ipc_mode;
  if (mode == "host") input.shm_source = "/dev/shm";
  if (mode.starts_with("container:")) {
    const std::string donor = mode.substr(10);
    input.shm_source = container_directory(donor) + "/shm";
    if (TRY(records.load_container(donor)).spec.ipc_mode != "shareable") {
      return fail(Error(Code::conflict,
                        "cannot join IPC of a container: non-shareable IPC (hint: use "
                        "IpcMode:shareable for the donor container)"));
    }
  }
  if (mode != "shareable") return {};
  const std::string directory = input.bundle + "/shm";
  remove_shared_memory(record.summary.id);
  TRY(make_directories(directory, 0700));
  const std::string options =
      "mode=1777,size=" + std::to_string(record.spec.shm_size.value_or(std::uint64_t{64} << 20));
  if (::mount("shm", directory.c_str(), "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, options.c_str()) != 0)
    return fail_errno("mount shared memory", directory);
  input.shm_source = directory;
  return {};
}

void Engine::Impl::remove_shared_memory(const std::string& id) const {
  // Not mounted (EINVAL) or never created (ENOENT) is fine.
  ::umount2((container_directory(id) + "/shm").c_str(), MNT_DETACH);
}

}  // namespace consort::engine
