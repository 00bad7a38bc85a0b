// The limits for clients of a socket that serves one project (`serve --project`): they may use what belongs to the
// project, and nothing beyond its containers (docs/decisions/0144). On other sockets, each of these functions succeeds
// at once; refusals are Code::denied. The tables of routes say which calls are available (Reach).
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "engine/engine.hpp"
#include "engine/images.hpp"
#include "serve/api/call.hpp"

namespace consort::serve {

// body: of POST /containers/create; spec: the engine's specification from it. Volumes that it creates are assigned to
// the project.
Result<> keep_to_project(Call& call, const Json& body, engine::ContainerSpec& spec);
Result<> keep_to_project(Call& call, const engine::ExecSpec& spec);
// before: the container's previous name; "" for a new one.
Result<> keep_name_to_project(Call& call, const std::string& name, const std::string& before);
Result<> keep_to_project(Call& call, engine::NetworkSpec& spec);
Result<> keep_to_project(Call& call, engine::VolumeSpec& spec);
// Whether this socket shows the network: the machine's built-in ones are visible to all.
bool shows_network(Call& call, const engine::Network& network);
// Checks that a container may be on the network: the default bridge is open to all.
Result<> check_is_of_project(Call& call, const engine::Network& network);

// The images that a socket shows: those that a container of the project was created from or a build of the project
// made.
class ShownImages {
 public:
  static Result<ShownImages> of(Call& call);
  bool takes(const image::Image& image, const image::ImageConfig& config) const;

 private:
  std::string project_;  // "": shows all
  std::set<std::string> used_;
};

// All images that this socket shows.
Result<std::vector<image::Image>> shown_images(Call& call);
// Code::not_found: there is none, or this socket does not show it.
Result<image::Image> find_shown_image(Call& call, const std::string& name,
                                      const std::optional<image::Platform>& platform = {});

}  // namespace consort::serve
