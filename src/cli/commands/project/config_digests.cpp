// --resolve-image-digests and --lock-image-digests: pin images to the digests from their registries.
#include "cli/commands/project/config_parts.hpp"
#include "engine/images.hpp"

namespace consort::cli {

namespace {

Result<std::string> pinned(const std::string& image) {
  image::Reference reference = TRY(image::Reference::parse(image));
  if (!reference.digest) reference.digest = TRY(image::resolve_digest(reference, {}));
  return reference.full();
}

}  // namespace

Result<> pin_images(compose::Project& project) {
  for (auto& [name, service] : project.services) {
    if (!service.image.empty()) service.image = TRY(pinned(service.image));
    for (compose::PreStartHook& hook : service.pre_start)
      if (!hook.own.image.empty()) hook.own.image = TRY(pinned(hook.own.image));
  }
  return {};
}

Result<> pin_images(compose::Node& tree) {
  compose::Node* services = tree.find("services");
  if (!services) return {};
  for (compose::Entry& entry : services->entries)
    if (compose::Node* image = entry.value.find("image")) image->text = TRY(pinned(image->text));
  return {};
}

compose::Project only_images(const compose::Project& project) {
  compose::Project locked;
  for (const auto& [name, service] : project.services) {
    compose::Service& made = locked.services[name];
    made.name = name;
    made.image = service.image;
  }
  return locked;
}

void keep_only_images(compose::Node& tree) {
  tree.entries.erase_if([](const compose::Entry& section) { return section.key != "services"; });
  if (compose::Node* services = tree.find("services"))
    for (compose::Entry& service : services->entries)
      service.value.entries.erase_if([](const compose::Entry& each) { return each.key != "image"; });
}

}  // namespace consort::cli
