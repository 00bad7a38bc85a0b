#include "kube/wait_image.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>

#include "base/os/files/file.hpp"
#include "image/pack_files.hpp"
#include "kube/kinds.hpp"
#include "kube/manifests/parts.hpp"

namespace consort::kube {

namespace {

std::string wait_image_of(const Json& workload) {
  const Json* at = &workload;
  for (const char* key : {"spec", "template", "spec", "initContainers"})
    if (at = find_key(*at, key); !at) return "";
  if (at->is_array())
    for (const Json& each : *at)
      if (get_string(each, "name") == wait_container) return get_string(each, "image");
  return "";
}

}  // namespace

Result<std::string> wait_image_there(Session& session) {
  const Query ours{{"labelSelector", project_selector(session.project_name)}};
  for (const auto& [version, kind] : {std::pair("apps/v1", "Deployment"), std::pair("apps/v1", "StatefulSet"),
                                      std::pair("apps/v1", "DaemonSet"), std::pair("batch/v1", "Job")}) {
    const std::string body = TRY(session.client.get(with_query(path_of(version, kind, session.space), ours)));
    const Json list = TRY(parse_json(body, "list of services"));
    const Json* items = find_key(list, "items");
    if (!items || !items->is_array()) continue;
    for (const Json& each : *items)
      if (std::string image = wait_image_of(each); !image.empty()) return image;
  }
  return "";
}

Result<Fd> pack_wait_program(const std::string& path) {
  Fd tar(::memfd_create(wait_program, MFD_CLOEXEC));
  if (!tar) return fail_errno("make a file in memory");
  const Fd directory = TRY(open_file(dir_name(path), O_RDONLY | O_DIRECTORY));
  const std::array<image::ChosenFile, 1> files{image::ChosenFile{base_name(path), wait_program}};
  (void)TRY(image::pack_files(directory.get(), files, image::sink_of_fd(tar.get())));
  if (::lseek(tar.get(), 0, SEEK_SET) < 0) return fail_errno("read a file in memory");
  return tar;
}

}  // namespace consort::kube
