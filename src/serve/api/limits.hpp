// What clients of a socket that is limited to one project (`serve --project`) may do: what is the project's, and
// nothing that reaches beyond its containers (docs/decisions/0144). Each of these functions succeeds at once on other
// sockets; what they refuse is Code::denied. Which calls there are at all stands in the tables of routes (Reach).
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

// body: of POST /containers/create; spec: the same in the engine's words. Volumes that it makes become the project's.
Result<> keep_to_project(Call& call, const Json& body, engine::ContainerSpec& spec);
Result<> keep_to_project(Call& call, const engine::ExecSpec& spec);
// before: the name that the container has had; "" for a new one.
Result<> keep_name_to_project(Call& call, const std::string& name, const std::string& before);
Result<> keep_to_project(Call& call, engine::NetworkSpec& spec);
Result<> keep_to_project(Call& call, engine::VolumeSpec& spec);
// Whether this socket shows it: those of the machine are everybody's to see.
bool shows_network(Call& call, const engine::Network& network);
// That a container may be on it: the default bridge is everybody's.
Result<> check_is_of_project(Call& call, const engine::Network& network);

// The images that a socket shows: what a container of the project was made from, or a build of the project has made.
class ShownImages {
 public:
  static Result<ShownImages> of(Call& call);
  bool takes(const image::Image& image, const image::ImageConfig& config) const;

 private:
  std::string project_;  // "": all
  std::set<std::string> used_;
};

// All that this socket shows.
Result<std::vector<image::Image>> shown_images(Call& call);
// Code::not_found: there is none, or none that this socket shows.
Result<image::Image> find_shown_image(Call& call, const std::string& name,
                                      const std::optional<image::Platform>& platform = {});

}  // namespace consort::serve
