#include "compose/api_socket.hpp"

#include <algorithm>

namespace consort::compose {

namespace {

const Node* setting_in(const Extensions& extensions) {
  const auto own = extensions.find("x-consort");
  return own == extensions.end() ? nullptr : own->second.find("api_socket");
}

Result<bool> is_full(const Project& project, const Node& setting, const Strings& owner) {
  const std::string word = setting.scalar_text();
  if (word == "full" || word == "project") return word == "full";
  Strings path = owner;
  path.insert(path.end(), {"x-consort", "api_socket"});
  return fail(Error(Code::invalid, "x-consort: api_socket must be \"project\" or \"full\", not \"" + word + "\"")
                  .at(project.locate(path)));
}

}  // namespace

bool is_docker_socket(std::string_view path) {
  return path == docker_socket || path == "/run/docker.sock";
}

Result<ApiSocket> api_socket_of(const Project& project, const Service& service) {
  const bool binds = std::ranges::any_of(service.volumes, [](const Mount& mount) {
    return mount.type == MountType::bind && is_docker_socket(mount.source);
  });
  if (!binds && !service.use_api_socket) return ApiSocket::none;
  bool full = false;
  if (const Node* own = setting_in(service.extensions))
    full = TRY(is_full(project, *own, {"services", service.name}));
  else if (const Node* of_file = setting_in(project.extensions))
    full = TRY(is_full(project, *of_file, {}));
  return full ? ApiSocket::full : ApiSocket::project;
}

}  // namespace consort::compose
