// References of a service to things that the file does not define.
#include <algorithm>
#include <map>
#include <utility>

#include "base/strings.hpp"
#include "compose/passes/checked_service.hpp"
#include "compose/passes/suggest.hpp"

namespace consort::compose {

namespace {

template <class Map>
Strings keys_of(const Map& map) {
  Strings keys;
  for (const auto& each : map) keys.push_back(each.first);
  return keys;
}

class References : public CheckedService {
 public:
  explicit References(const CheckedService& of) : CheckedService(of) {}

  void contexts(const Service& service) {
    if (!service.build) return;
    for (const auto& [key, context] : service.build->additional_contexts) {
      if (!context.starts_with("service:")) continue;
      const std::string target = context.substr(8);
      const auto found = project_.services.find(target);
      if (found == project_.services.end()) {
        Diagnostic& made =
            error("undefined-service",
                  quoted() + " declares unknown service \"" + target + "\" as additional contexts " + key,
                  {"build", "additional_contexts", key});
        suggest_name(made, target, keys_of(project_.services), {}, reporter_);
      } else if (!found->second.build) {
        error("not-buildable",
              quoted() + " declares non-buildable service \"" + target + "\" as additional contexts " + key,
              {"build", "additional_contexts", key});
      }
    }
  }

  void networks(const Service& service) {
    if (!service.network_mode.empty() && !service.networks.empty()) {
      Diagnostic& made =
          error("conflict", "service " + name_ + " declares mutually exclusive `network_mode` and `networks`",
                {"network_mode"});
      made.help = "keep one of them";
    }
    for (const auto& [key, attachment] : service.networks) {
      if (project_.networks.contains(key) || section_spoilt("networks")) continue;
      if (reporter_.exhausted()) return;
      Diagnostic& made =
          error("undefined-network", quoted() + " refers to undefined network " + key, {"networks", key});
      made.label = "not defined under the top-level `networks:`";
      undefined_help(made, "networks", key, keys_of(project_.networks), at({"networks", key}));
    }
  }

  void dependencies(const Service& service) {
    for (const auto& [key, dependency] : service.depends_on) {
      if (project_.services.contains(key)) continue;
      if (reporter_.exhausted()) return;
      if (project_.disabled_services.contains(key) && !dependency.required) continue;
      const Place place = dependency_place(key);
      Diagnostic& made = reporter_.error(
          "undefined-service", quoted() + " depends on undefined service \"" + key + "\"" + invalid_project, place);
      if (project_.disabled_services.contains(key)) {
        made.label = "not active";
        made.help = "activate a profile of `" + key + "` (" + join(project_.disabled_services.at(key).profiles, ", ") +
                    "), or write `required: false`";
      } else {
        made.label = "there is no such service";
        suggest_service(made, key, place);
      }
    }
  }

  void volumes(const Service& service) {
    std::multimap<std::string, std::size_t> tmpfs;
    for (std::size_t k = 0; k < service.tmpfs.size(); ++k) {
      tmpfs.emplace(service.tmpfs[k].substr(0, service.tmpfs[k].find(':')), k);
    }
    for (std::size_t i = 0; i < service.volumes.size(); ++i) {
      if (reporter_.exhausted()) return;
      const Mount& mount = service.volumes[i];
      const std::string index = std::to_string(i);
      if (mount.type == MountType::volume && !mount.source.empty() && !project_.volumes.contains(mount.source) &&
          !section_spoilt("volumes")) {
        Diagnostic& made =
            error("undefined-volume", quoted() + " refers to undefined volume " + mount.source, {"volumes", index});
        made.label = "`" + mount.source + "` is not defined under the top-level `volumes:`";
        undefined_help(made, "volumes", mount.source, keys_of(project_.volumes), {});
        if (!made.help.starts_with("did you mean")) {
          made.help += "\nor write ./" + mount.source + " if it is a directory next to this file";
        }
        if (mount.source.find('/') != std::string::npos) {
          const std::string path = mount.source.starts_with(".") ? mount.source : "./" + mount.source;
          made.help = "a path relative to this directory is written " + path + "; a named volume has no `/`";
          made.fixes.clear();
          const Node* items = node_at({"services", name_, "volumes"});
          const Place place = at({"volumes", index});
          if (items && place.length > mount.source.size() && made.line_text.find('"') == std::string::npos) {
            Place start = place;
            start.length = static_cast<std::uint32_t>(mount.source.size());
            made.fixes.push_back(Fix{"write " + path, Certainty::certain, {reporter_.edit(start, path)}});
          }
        }
      }
      const auto [first, last] = tmpfs.equal_range(mount.target);
      for (auto each = first; each != last; ++each) {
        error("conflict",
              dotted() + ".volumes[" + index + "]: target " + mount.target + " already mounted as " + dotted() +
                  ".tmpfs[" + std::to_string(each->second) + "]",
              {"volumes", index});
      }
    }
  }

  void files(const Service& service) {
    const auto check = [&](const std::vector<FileReference>& references, const auto& defined, const char* word,
                           std::string_view section, Strings path) {
      for (std::size_t i = 0; i < references.size(); ++i) {
        const std::string& source = references[i].source;
        if (defined.contains(source) || section_spoilt(section)) continue;
        if (reporter_.exhausted()) return;
        Strings own = path;
        own.push_back(std::to_string(i));
        const Place place = at(own);
        Diagnostic& made = error(std::string("undefined-") + (section == "secrets" ? "secret" : "config"),
                                 quoted() + " refers to undefined " + word + " " + source, own);
        made.label = "not defined under the top-level `" + std::string(section) + ":`";
        undefined_help(made, section, source, keys_of(defined), place);
      }
    };
    if (service.build) check(service.build->secrets, project_.secrets, "build secret", "secrets", {"build", "secrets"});
    check(service.configs, project_.configs, "config", "configs", {"configs"});
    check(service.secrets, project_.secrets, "secret", "secrets", {"secrets"});
    for (const auto& [key, model] : service.models) {
      if (project_.models.contains(key)) continue;
      error("undefined-model", quoted() + " refers to undefined model " + key, {"models", key});
    }
  }

 private:
  // Where a service refers to another one: depends_on, or an attribute that implies it.
  Place dependency_place(const std::string& key) const {
    if (const Node* given = node_at({"services", name_, "depends_on"}); given && given->find(key)) {
      return at({"depends_on", key});
    }
    for (const std::string attribute : {"links", "volumes_from"}) {
      const Node* list = node_at({"services", name_, attribute});
      for (std::size_t i = 0; list && i < list->items.size(); ++i) {
        if (list->items[i].text.substr(0, list->items[i].text.find(':')) == key) return list->items[i].place;
      }
    }
    for (const std::string attribute : {"network_mode", "ipc", "pid", "uts", "cgroup"}) {
      const Node* mode = node_at({"services", name_, attribute});
      if (mode && mode->text == "service:" + key) return mode->place;
    }
    return at({});
  }

  // Suggests a service by its name, or by its container's name, which only the engine knows.
  void suggest_service(Diagnostic& made, const std::string& key, Place place) {
    for (const auto& [name, service] : project_.services) {
      if (service.container_name != key) continue;
      made.help = "`" + key + "` is the container_name of service `" + name + "`: write `" + name + "`";
      if (place.length != key.size()) return;
      made.fixes.push_back(Fix{"write `" + name + "`", Certainty::certain, {reporter_.edit(place, name)}});
      return;
    }
    suggest_name(made, key, keys_of(project_.services), place, reporter_);
  }

  void undefined_help(Diagnostic& made, std::string_view section, const std::string& key, const Strings& known,
                      Place place) {
    suggest_name(made, key, known, place, reporter_);
    const std::string empty = section == "networks" || section == "volumes" ? "" : "\n    file: ./" + key;
    const std::string add = "add at the top level:\n" + std::string(section) + ":\n  " + key + ":" + empty;
    made.help = made.help.starts_with("did you mean") ? made.help + "\nor " + add : add;
    if (made.fixes.empty() && (section == "networks" || section == "volumes")) add_definition(made, section, key);
  }

  // Adds a fix that defines the missing network or volume.
  void add_definition(Diagnostic& made, std::string_view section, const std::string& key) {
    const Node& tree = *project_.tree;
    const Entry* services = tree.entry("services");
    if (!services || !services->place) return;
    const Source* source = reporter_.sources().get(services->place.source);
    if (!source) return;
    const Entry* present = tree.entry(section);
    Fix fix{"define `" + key + "` under `" + std::string(section) + "`", Certainty::certain, {}};
    if (present && present->place.source == services->place.source && present->value.is_mapping() &&
        present->value.style == Style::block && !present->value.entries.empty()) {
      const Entry& first = present->value.entries[0];
      if (first.place.source != services->place.source) return;
      const std::string indent(first.place.column - 1, ' ');
      fix.edits.push_back(reporter_.edit_bytes(services->place.source, source->offset_of(first.place.line, 1), 0,
                                               indent + key + ":\n"));
    } else if (!present) {
      const std::string& text = source->text();
      const std::string begin = text.ends_with('\n') || text.empty() ? "" : "\n";
      fix.edits.push_back(reporter_.edit_bytes(services->place.source, text.size(), 0,
                                               begin + "\n" + std::string(section) + ":\n  " + key + ":\n"));
    } else {
      return;
    }
    made.fixes.push_back(std::move(fix));
  }
};

}  // namespace

void check_contexts(const CheckedService& of, const Service& service) {
  References(of).contexts(service);
}
void check_networks(const CheckedService& of, const Service& service) {
  References(of).networks(service);
}
void check_dependencies(const CheckedService& of, const Service& service) {
  References(of).dependencies(service);
}
void check_volumes(const CheckedService& of, const Service& service) {
  References(of).volumes(service);
}
void check_files(const CheckedService& of, const Service& service) {
  References(of).files(service);
}

}  // namespace consort::compose
