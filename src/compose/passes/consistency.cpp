#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "base/os/file.hpp"
#include "base/strings.hpp"
#include "compose/passes/finish.hpp"
#include "compose/passes/suggest.hpp"

namespace consort::compose {

Place place_in(const Node& tree, const Strings& path) {
  if (path.size() > 1 && path[0] == "services") {
    // While they are checked, jobs are among the services.
    const Node* services = tree.find("services");
    const Node* jobs = tree.find("jobs");
    if (jobs && jobs->find(path[1]) && !(services && services->find(path[1]))) {
      Strings of_job = path;
      of_job[0] = "jobs";
      return place_in(tree, of_job);
    }
  }
  const Node* node = &tree;
  Place place = tree.place;
  for (const std::string& segment : path) {
    if (node->is_mapping()) {
      const Entry* entry = node->entry(segment);
      if (!entry) break;
      node = &entry->value;
      if (entry->place) place = entry->place;
      if (node->is_scalar() && node->place && node->place.length > 0) place = node->place;
    } else if (node->is_sequence()) {
      const auto index = parse_unsigned(segment);
      if (!index || *index >= node->items.size()) {
        // "K=V" and "K:V" items are looked for by K.
        const auto item = std::ranges::find_if(node->items, [&](const Node& each) {
          return each.is_string() &&
                 (each.text == segment || each.text.starts_with(segment + "=") || each.text.starts_with(segment + ":"));
        });
        if (item != node->items.end()) place = item->place;
        break;
      }
      node = &node->items[*index];
      if (node->place) place = node->place;
    } else {
      break;
    }
  }
  return place;
}

namespace {

constexpr const char* suffix = ": invalid compose project";

template <class Map>
Strings keys_of(const Map& map) {
  Strings keys;
  for (const auto& each : map) keys.push_back(each.first);
  return keys;
}

class Checker {
 public:
  Checker(const Project& project, Reporter& reporter) : project_(project), reporter_(reporter) {}

  void run() {
    for (const auto& [name, service] : project_.services) {
      if (reporter_.exhausted()) return;
      name_ = name;
      image(service);
      networks(service);
      health(service);
      dependencies(service);
      volumes(service);
      files(service);
      scale(service);
      resources(service);
      develop(service);
      for (std::size_t i = 0; i < service.pre_start.size(); ++i) {
        hook_ = std::to_string(i);
        networks(service.pre_start[i].own);
        volumes(service.pre_start[i].own);
        files(service.pre_start[i].own);
      }
      hook_.clear();
    }
    cycles();
  }

 private:
  const Node* node_at(const Strings& path) const {
    const Node* node = project_.tree.get();
    for (const std::string& segment : path) {
      const Node* next = node ? node->find(segment) : nullptr;
      if (!next && node == project_.tree->find("services")) {
        const Node* jobs = project_.tree->find("jobs");
        next = jobs ? jobs->find(segment) : nullptr;
      }
      node = next;
    }
    return node;
  }

  // Where a service names another one: depends_on, or what implies it.
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

  Place at(Strings path) const {
    if (!hook_.empty()) path.insert(path.begin(), {"pre_start", hook_});
    path.insert(path.begin(), {"services", name_});
    return place_in(*project_.tree, path);
  }
  // The value itself when its line is known, else the key.
  Diagnostic& error(std::string_view code, std::string message, Strings path) {
    return reporter_.error(code, std::move(message) + suffix, at(std::move(path)));
  }
  bool is_at(const Place& place, const Mark& mark) const {
    if (!place) return false;
    const Mark from = reporter_.sources().mark(place);
    return from.file == mark.file && from.line == mark.line && from.column <= mark.column &&
           mark.column < from.column + std::max(place.length, 1U);
  }
  // Whether the service's name, or any key or value of it, stands there.
  bool is_of_service(const Mark& mark) const {
    if (is_at(at({}), mark)) return true;
    std::vector<const Node*> nodes{node_at({"services", name_})};
    while (!nodes.empty()) {
      const Node* node = nodes.back();
      nodes.pop_back();
      if (!node) continue;
      if (is_at(node->place, mark)) return true;
      for (const Node& item : node->items) nodes.push_back(&item);
      for (const Entry& entry : node->entries) {
        if (is_at(entry.place, mark)) return true;
        nodes.push_back(&entry.value);
      }
    }
    return false;
  }
  // What `extends` should have brought is not there, and neither are its places.
  static bool takes_an_image_away(const std::string& code) {
    return code == "missing-file" || code == "unknown-service" || code.starts_with("extends-");
  }
  // Whether this service has an error, or seems to name its image by a misspelled key.
  bool told_already() const {
    return std::ranges::any_of(reporter_.diagnostics(), [&](const Diagnostic& each) {
      return each.severity == Severity::error && (takes_an_image_away(each.code) || is_of_service(each.mark));
    });
  }

  // Whether the section is there under a misspelled name, or is not a mapping: then all references would be wrong.
  bool section_spoilt(std::string_view section) const {
    const Node* found = project_.tree->find(section);
    if (found) return !found->is_mapping() && !found->is_null();
    const std::vector<std::string> wanted{std::string(section)};
    return std::ranges::any_of(project_.tree->entries, [&](const Entry& entry) {
      return entry.value.is_mapping() && nearest(entry.key, wanted).has_value();
    });
  }

  std::string quoted() const { return "service \"" + name_ + "\""; }
  std::string dotted() const { return "services." + name_; }

  void image(const Service& service) {
    if (!service.build && service.image.empty() && !service.provider && !told_already()) {
      const Node* blank = node_at({"services", name_, "image"});
      Diagnostic& made = error("no-image", quoted() + " has neither an image nor a build context specified",
                               blank ? Strings{"image"} : Strings{});
      made.label = blank ? "this is blank" : "what should run here?";
      made.help = blank ? "write the name of an image" : "add `image: NAME` or `build: .`";
    }
    if (!service.build) return;
    const Build& build = *service.build;
    if (!build.dockerfile.empty() && !build.dockerfile_inline.empty()) {
      error("conflict", quoted() + " declares mutualy exclusive dockerfile and dockerfile_inline",
            {"build", "dockerfile"})
          .help = "keep one of them";
    }
    for (const auto& [key, context] : build.additional_contexts) {
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
    if (!build.platforms.empty() && !service.platform.empty() &&
        !std::ranges::count(build.platforms, service.platform)) {
      error("conflict", "service.build.platforms MUST include service.platform \"" + service.platform + "\"",
            {"build", "platforms"});
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

  void undefined_help(Diagnostic& made, std::string_view section, const std::string& key, const Strings& known,
                      Place place) {
    suggest_name(made, key, known, place, reporter_);
    const std::string empty = section == "networks" || section == "volumes" ? "" : "\n    file: ./" + key;
    const std::string add = "add at the top level:\n" + std::string(section) + ":\n  " + key + ":" + empty;
    made.help = made.help.starts_with("did you mean") ? made.help + "\nor " + add : add;
    if (made.fixes.empty() && (section == "networks" || section == "volumes")) add_definition(made, section, key);
  }

  // A fix that defines the missing network or volume.
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

  void health(const Service& service) {
    if (!service.healthcheck || service.healthcheck->test.empty()) return;
    const Strings& test = service.healthcheck->test;
    if (test[0] == "CMD-SHELL" && test.size() > 2) {
      Diagnostic& lost = reporter_.warning(
          "lost-words",
          "healthcheck.test: the shell takes \"" + test[1] + "\" alone as its command; the words after it are lost",
          at({"healthcheck", "test", "2"}));
      lost.help = "write [\"CMD-SHELL\", \"" + join(std::span(test).subspan(1), " ") + "\"]";
    }
    if (test[0] == "CMD" || test[0] == "CMD-SHELL" || test[0] == "NONE") return;
    Diagnostic& made =
        reporter_.error("bad-value", "healthcheck.test must start either by \"CMD\", \"CMD-SHELL\" or \"NONE\"",
                        at({"healthcheck", "test", "0"}));
    made.label = "not CMD, CMD-SHELL or NONE";
    std::string word = test[0];
    std::ranges::transform(word, word.begin(), [](char c) {
      return c == '_' ? '-' : c >= 'a' && c <= 'z' ? c - 32 : c;
    });
    const Place place = at({"healthcheck", "test", "0"});
    if (word == "CMD" || word == "CMD-SHELL" || word == "NONE") {
      made.help = "write \"" + word + "\"";
      made.fixes.push_back(Fix{made.help, Certainty::certain, {reporter_.edit(place, "\"" + word + "\"")}});
      return;
    }
    made.help = "write [\"CMD\", \"" + join(test, "\", \"") + "\"], or one string for a shell";
  }

  void dependencies(const Service& service) {
    for (const auto& [key, dependency] : service.depends_on) {
      if (project_.services.contains(key)) continue;
      if (reporter_.exhausted()) return;
      if (project_.disabled_services.contains(key) && !dependency.required) continue;
      const Place place = dependency_place(key);
      Diagnostic& made = reporter_.error("undefined-service",
                                         quoted() + " depends on undefined service \"" + key + "\"" + suffix, place);
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

  // By its name, or by its container's name, which only the engine knows.
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
          made.help += "\nor write ./" + mount.source + " if it is a directory beside this file";
        }
        if (mount.source.find('/') != std::string::npos) {
          const std::string path = mount.source.starts_with(".") ? mount.source : "./" + mount.source;
          made.help = "a path of this directory is written " + path + "; a named volume has no `/`";
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

  void scale(const Service& service) {
    if (service.scale && *service.scale < 0) {
      Diagnostic& made =
          reporter_.error("out-of-range", dotted() + ".scale: must be greater than or equal to 0", at({"scale"}));
      made.label = "negative";
      made.help = "write 0 for none, or how many containers there should be";
    }
    const auto replicas = service.deploy ? service.deploy->replicas : std::nullopt;
    if (service.scale && replicas && *service.scale != *replicas) {
      distinct("scale", "deploy.replicas", {"scale"}, {"deploy", "replicas"});
    }
    if (!service.container_name.empty() && service.replicas() > 1) {
      const std::string which = service.scale ? "scale" : "deploy.replicas";
      Diagnostic& made =
          error("conflict",
                "services." + which + ": can't set container_name and " + name_ + " as container name must be unique",
                {"container_name"});
      made.help = "remove `container_name`, or have one replica";
    }
  }

  void distinct(const std::string& a, const std::string& b, Strings a_path, Strings b_path) {
    Diagnostic& made =
        error("conflict", dotted() + ": can't set distinct values on '" + a + "' and '" + b + "'", std::move(a_path));
    made.help = "give both the same value, or keep one of them";
    made.related.push_back(reporter_.related(at(std::move(b_path)), "and here"));
  }

  void resources(const Service& service) {
    if (!service.deploy) return;
    if (const auto& limits = service.deploy->resources.limits) {
      if (service.cpus != 0 && service.cpus != static_cast<float>(limits->cpus)) {
        distinct("cpus", "deploy.resources.limits.cpus", {"cpus"}, {"deploy", "resources", "limits"});
      }
      if (service.mem_limit != 0 && service.mem_limit != limits->memory) {
        distinct("mem_limit", "deploy.resources.limits.memory", {"mem_limit"}, {"deploy", "resources", "limits"});
      }
      if (service.pids_limit != 0 && service.pids_limit != limits->pids) {
        distinct("pids_limit", "deploy.resources.limits.pids", {"pids_limit"}, {"deploy", "resources", "limits"});
      }
    }
    if (const auto& reservations = service.deploy->resources.reservations) {
      if (service.mem_reservation != 0 && service.mem_reservation != reservations->memory) {
        distinct("mem_reservation", "deploy.resources.reservations.memory", {"mem_reservation"},
                 {"deploy", "resources", "reservations"});
      }
    }
  }

  void develop(const Service& service) {
    if (!service.develop) return;
    for (std::size_t i = 0; i < service.develop->watch.size(); ++i) {
      const WatchTrigger& watch = service.develop->watch[i];
      if (watch.action != "rebuild" && watch.action != "restart" && watch.target.empty()) {
        Diagnostic& made = error("missing-key", dotted() + ".develop.watch: target is required for non-rebuild actions",
                                 {"develop", "watch", std::to_string(i)});
        made.help = "add `target:`, the path inside the container";
      }
    }
  }

  void cycles() {
    std::set<std::string> done;
    Strings stack;
    for (const auto& [name, service] : project_.services) {
      if (visit(name, stack, done)) return;
    }
  }

  bool visit(const std::string& name, Strings& stack, std::set<std::string>& done) {
    if (done.contains(name)) return false;
    if (const auto found = std::ranges::find(stack, name); found != stack.end()) {
      report_cycle(Strings(found, stack.end()));
      return true;
    }
    if (stack.size() > 5000) return false;
    const auto service = project_.services.find(name);
    if (service == project_.services.end()) return false;
    stack.push_back(name);
    for (const auto& [next, dependency] : service->second.depends_on) {
      if (visit(next, stack, done)) return true;
    }
    stack.pop_back();
    done.insert(name);
    return false;
  }

  void report_cycle(Strings cycle) {
    name_ = cycle.back();
    const std::string first = cycle.front();
    const Place place = at({"depends_on", first});
    Strings drawn = cycle;
    drawn.push_back(first);
    Diagnostic& made =
        reporter_.error("dependency-cycle", "dependency cycle detected: " + join(drawn, " -> ") + suffix, place);
    made.label = "closes the cycle";
    made.help = "each waits for the next, so none can start: remove one of these dependencies";
    for (std::size_t i = 0; i + 1 < cycle.size(); ++i) {
      made.related.push_back(
          reporter_.related(place_in(*project_.tree, {"services", cycle[i], "depends_on", cycle[i + 1]}),
                            cycle[i] + " waits for " + cycle[i + 1]));
    }
  }

  const Project& project_;
  Reporter& reporter_;
  std::string name_;
  std::string hook_;  // index of the pre_start hook that is looked at; empty: the service itself
};

}  // namespace

void check_consistency(const Project& project, Reporter& reporter) {
  Checker(project, reporter).run();
  for (const auto& [name, secret] : project.secrets) {
    if (secret.external || !secret.file.empty() || !secret.environment.empty()) continue;
    Diagnostic& made = reporter.error(
        "no-source", "secret \"" + name + "\" must declare either `file` or `environment`: invalid compose project",
        place_in(*project.tree, {"secrets", name}));
    made.label = "no source that can be used here";
    made.help = "secrets come from `file: ./PATH` or `environment: VARIABLE`; drivers are for swarm clusters";
  }
}

void check_container_names(const Project& project, const Strings& services, Reporter& reporter) {
  const std::set<std::string> wanted = with_dependencies(project, services);
  std::map<std::string, std::string> seen;
  for (const auto& [name, service] : project.services) {
    if (service.container_name.empty() || !wanted.contains(name)) continue;
    const auto [it, fresh] = seen.emplace(service.container_name, name);
    if (fresh) continue;
    Diagnostic& made = reporter.error("conflict",
                                      "services." + name + ": container name \"" + service.container_name +
                                          "\" is already in use by service " + it->second + suffix,
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
