// Values of a service that contradict each other or make no sense.
#include <algorithm>
#include <utility>
#include <vector>

#include "base/strings.hpp"
#include "compose/passes/checked_service.hpp"

namespace consort::compose {

namespace {

class Values : public CheckedService {
 public:
  explicit Values(const CheckedService& of) : CheckedService(of) {}

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
  }

  void platforms(const Service& service) {
    if (!service.build) return;
    const Build& build = *service.build;
    if (!build.platforms.empty() && !service.platform.empty() &&
        !std::ranges::count(build.platforms, service.platform)) {
      error("conflict", "service.build.platforms MUST include service.platform \"" + service.platform + "\"",
            {"build", "platforms"});
    }
  }

  void health(const Service& service) {
    if (!service.healthcheck || service.healthcheck->test.empty()) return;
    const Strings& test = service.healthcheck->test;
    if (test[0] == "CMD-SHELL" && test.size() > 2) {
      Diagnostic& lost = reporter_.warning(
          "lost-words",
          "healthcheck.test: the shell runs \"" + test[1] + "\" alone as its command, and ignores the words after it",
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

  void scale(const Service& service) {
    if (service.scale && *service.scale < 0) {
      Diagnostic& made =
          reporter_.error("out-of-range", dotted() + ".scale: must be greater than or equal to 0", at({"scale"}));
      made.label = "negative";
      made.help = "write the number of containers, or 0 for none";
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

 private:
  bool is_at(const Place& place, const Mark& mark) const {
    if (!place) return false;
    const Mark from = reporter_.sources().mark(place);
    return from.file == mark.file && from.line == mark.line && from.column <= mark.column &&
           mark.column < from.column + std::max(place.length, 1U);
  }
  // Whether the mark is on the service's name, or on any of its keys or values.
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
  // These errors mean that something is missing that `extends` should have contributed, along with its positions.
  static bool takes_an_image_away(const std::string& code) {
    return code == "missing-file" || code == "unknown-service" || code.starts_with("extends-");
  }
  // Whether this service already has an error, or seems to specify its image with a misspelled key.
  bool told_already() const {
    return std::ranges::any_of(reporter_.diagnostics(), [&](const Diagnostic& each) {
      return each.severity == Severity::error && (takes_an_image_away(each.code) || is_of_service(each.mark));
    });
  }
};

}  // namespace

void check_image(const CheckedService& of, const Service& service) {
  Values(of).image(service);
}
void check_platforms(const CheckedService& of, const Service& service) {
  Values(of).platforms(service);
}
void check_health(const CheckedService& of, const Service& service) {
  Values(of).health(service);
}
void check_numbers(const CheckedService& of, const Service& service) {
  Values values(of);
  values.scale(service);
  values.resources(service);
  values.develop(service);
}

}  // namespace consort::compose
