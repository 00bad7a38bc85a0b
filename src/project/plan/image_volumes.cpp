#include "project/plan/image_volumes.hpp"

#include "project/plan/label_of.hpp"

namespace consort::project {

std::string image_volume(const std::string& target, const std::string& image_id) {
  return target + "=" + image_id;
}

std::optional<std::string> changed_image_volume(const compose::Service& service, const engine::Container& container,
                                                const Observed& observed) {
  const std::string made_of = label_of(container.labels, label::image_volumes);
  if (made_of.empty()) return std::nullopt;
  // Compared as a whole, because a target may contain a comma.
  const std::string known = "," + made_of + ",";
  for (const compose::Mount& mount : service.volumes) {
    if (mount.type != compose::MountType::image) continue;
    const auto image = observed.images.find(mount.source);
    if (image == observed.images.end()) continue;
    if (!known.contains("," + image_volume(mount.target, image->second) + ","))
      return "the image that it mounts at " + mount.target + " has changed";
  }
  return std::nullopt;
}

}  // namespace consort::project
