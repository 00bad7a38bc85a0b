// What front ends show of a container's directory, and what they keep in it.
#include "base/os/files/file.hpp"
#include "base/os/trees/directory.hpp"
#include "engine/engine_impl.hpp"
#include "engine/files.hpp"

namespace consort::engine {

namespace {

constexpr std::size_t note_limit = std::size_t{16} << 20;

// Next to the bundle, and removed with it.
std::string note_path(const std::string& directory) {
  return directory + "/client.json";
}

}  // namespace

HostPaths Files::host_paths(const std::string& id) const {
  const std::string directory = impl_->container_directory(id);
  return {.resolv_conf = directory + "/resolv.conf",
          .hostname = directory + "/hostname",
          .hosts = directory + "/hosts",
          .upper = directory + "/upper",
          .work = directory + "/work"};
}

std::uint64_t Files::own_bytes(const std::string& id) const {
  return tree_bytes(host_paths(id).upper);
}

Result<std::string> Files::note(const std::string& id) const {
  return read_file(note_path(impl_->container_directory(id)), note_limit);
}

Result<> Files::keep_note(const std::string& id, const std::string& text) {
  return write_file_atomic(note_path(impl_->container_directory(id)), text, 0600);
}

}  // namespace consort::engine
