// Names that are used twice, or look like a typo.
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/strings.hpp"
#include "compose/passes/checked_service.hpp"
#include "compose/passes/suggest.hpp"

namespace consort::compose {

void check_container_names(const Project& project, const Strings& services, Reporter& reporter) {
  const std::set<std::string> wanted = with_dependencies(project, services);
  std::map<std::string, std::string> seen;
  for (const auto& [name, service] : project.services) {
    if (service.container_name.empty() || !wanted.contains(name)) continue;
    const auto [it, fresh] = seen.emplace(service.container_name, name);
    if (fresh) continue;
    Diagnostic& made = reporter.error("conflict",
                                      "services." + name + ": container name \"" + service.container_name +
                                          "\" is already in use by service " + it->second + invalid_project,
                                      place_in(*project.tree, {"services", name, "container_name"}));
    made.label = "used twice";
    made.help = "give each service a container_name of its own, or none";
    made.related.push_back(
        reporter.related(place_in(*project.tree, {"services", it->second, "container_name"}), "first used here"));
  }
}

void check_image_tags(const Project& project, Reporter& reporter) {
  static const Strings words{"alpine",     "bookworm", "bullseye", "buster", "trixie",    "slim",   "latest",
                             "stable",     "jammy",    "noble",    "focal",  "debian",    "ubuntu", "windowsservercore",
                             "management", "fpm",      "apache",   "perl",   "nanoserver"};
  for (const auto& entry : project.services) {
    const std::string& name = entry.first;
    const Service& service = entry.second;
    const std::size_t colon = service.image.rfind(':');
    if (colon == std::string::npos || service.image.find('/', colon) != std::string::npos ||
        service.image.find_first_of("@$") != std::string::npos) {
      continue;
    }
    std::string tag = service.image.substr(colon + 1);
    Strings parts = split(tag, '-');
    for (std::string& part : parts) {
      const std::size_t letters = std::min(part.find_first_of("0123456789."), part.size());
      const std::string word = part.substr(0, letters);
      if (word.size() < 4 || std::ranges::count(words, word)) continue;
      const auto near = nearest(word, words);
      const auto close = near && near->size() + 2 >= word.size() && word.size() + 2 >= near->size();
      if (!close || near->size() < 4 || near->front() != word.front()) continue;  // `local` and `unstable` are words
      const Place place = place_in(*project.tree, {"services", name, "image"});
      const std::string wrong = part;
      part = *near + part.substr(letters);
      const std::string right = service.image.substr(0, colon + 1) + join(parts, "-");
      Diagnostic& made = reporter.warning(
          "misspelled-tag",
          "services." + name + ".image: the tag `" + tag + "` looks like a typo of `" + join(parts, "-") + "`", place);
      made.label = "`" + wrong + "`, not `" + part + "`?";
      made.help = "write " + right;
      if (place.length == service.image.size()) {
        made.fixes.push_back(Fix{"write `" + right + "`", Certainty::certain, {reporter.edit(place, right)}});
      }
      break;
    }
  }
}

}  // namespace consort::compose
