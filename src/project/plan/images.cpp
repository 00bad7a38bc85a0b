#include "project/plan/images.hpp"

#include "base/strings.hpp"
#include "project/desired/places.hpp"
#include "project/plan/names.hpp"

namespace consort::project {

namespace {

enum class Policy : std::uint8_t { missing, always, never, build };

// nullopt: not a policy. Policies with a period depend on the image's age.
std::optional<Policy> decide(std::string_view text, const LocalImage* local, SystemTime now) {
  using namespace std::chrono_literals;
  if (text.empty() || text == "policy" || text == "missing" || text == "if_not_present" || text == "refresh")
    return Policy::missing;
  if (text == "always") return Policy::always;
  if (text == "never") return Policy::never;
  if (text == "build") return Policy::build;
  Nanoseconds period{};
  if (text == "daily") {
    period = 24h;
  } else if (text == "weekly") {
    period = 7 * 24h;
  } else if (text.starts_with("every_")) {
    const auto parsed = parse_duration(text.substr(6));
    if (!parsed) return std::nullopt;
    period = *parsed;
  } else {
    return std::nullopt;
  }
  return local && now - local->last_tagged < period ? Policy::missing : Policy::always;
}

const LocalImage* find_local(const std::map<std::string, LocalImage>& local, const std::string& image) {
  const auto found = local.find(image);
  return found == local.end() ? nullptr : &found->second;
}

bool is_off(const compose::Project& project, const std::string& variable) {
  const auto found = project.environment.find(variable);
  const std::string wish = found == project.environment.end() ? "1" : to_lower(found->second);
  return wish == "0" || wish == "f" || wish == "false";
}

// Without bake, which builds everything at once, Docker Compose builds a service's dependencies before it, with any
// builder.
bool builds_in_order(const compose::Project& project) {
  return wants_classic_builder(project) || is_off(project, "COMPOSE_BAKE");
}

class ImagePlanner {
 public:
  ImagePlanner(const compose::Project& project, const std::map<std::string, LocalImage>& local,
               const ImageOptions& options)
      : project_(project), local_(local), options_(options) {}

  Result<Plan> run() {
    for (const auto& [name, service] : project_.services) TRY(visit(service));
    for (const auto& [name, service] : project_.services) {
      TRY(mounted_images(service));
      TRY(hook_images(service));
    }
    return std::move(plan_);
  }

 private:
  Result<> visit(const compose::Service& service) {
    if (service.provider || ready_.contains(service.name)) return {};
    ready_[service.name] = {};
    const std::string image = image_name(project_, service);
    const LocalImage* local = find_local(local_, image_key(project_, service));
    const bool overridden = !options_.pull.empty() && options_.pull != "policy";
    const auto policy = decide(overridden ? options_.pull : service.pull_policy, local, options_.now);
    if (!policy)
      return fail(Error(Code::invalid, "invalid pull_policy \"" + service.pull_policy + "\"")
                      .at(locate_setting(project_, service, "pull_policy")));
    if (service.build) return with_build(service, image, local, *policy);
    if (TRY(made_by_another(service))) return {};
    if (*policy == Policy::always) {
      pull(service, image, "the pull policy asks for it");
    } else if (!local && *policy == Policy::missing) {
      pull(service, image, "not on this machine");
    }
    return {};  // never: a missing image is reported when the container is created
  }

  // An image that one service builds and others use: since it is about to be built, it need not be in a registry.
  Result<bool> made_by_another(const compose::Service& service) {
    for (const auto& [name, other] : project_.services) {
      if (!other.build || image_key(project_, other) != image_key(project_, service)) continue;
      TRY(visit(other));
      if (!ready_[name].empty()) return true;
    }
    return false;
  }

  Result<> with_build(const compose::Service& service, const std::string& image, const LocalImage* local,
                      Policy policy) {
    const bool named = options_.named.empty() || options_.named.contains(service.name);
    if (options_.build == BuildWish::always && named) return build(service, image, "--build", {});
    if (options_.build == BuildWish::never) {
      if (!local && policy != Policy::never && !service.image.empty()) pull(service, image, "not on this machine");
      return {};
    }
    if (policy == Policy::build) return build(service, image, "the pull policy asks for it", {});
    if (policy == Policy::always && !service.image.empty()) {
      pull(service, image, "the pull policy asks for it");
      return {};
    }
    if (local) return {};
    std::vector<OperationId> pulled;
    if (!service.image.empty() && policy == Policy::missing) {
      const OperationId id = pull(service, image, "not on this machine");
      plan_.at(id).necessity = Necessity::optional;
      pulled = {id};
    }
    return build(service, image, "no image yet", std::move(pulled));
  }

  Result<> build(const compose::Service& service, const std::string& image, std::string cause,
                 std::vector<OperationId> needs) {
    for (const auto& [key, context] : service.build->additional_contexts) {
      if (!context.starts_with("service:")) continue;
      const compose::Service* other = service_named(project_, context.substr(8));
      if (!other) continue;
      TRY(prepare_context(service, *other));
      const auto& made = ready_[other->name];
      needs.insert(needs.end(), made.begin(), made.end());
    }
    const bool pulled = !needs.empty() && plan_.at(needs.front()).is<PullImage>();
    if (builds_in_order(project_)) TRY(after_dependencies(service, needs));
    Operation operation = build_operation(service, image, std::move(cause), {.only_if_missing = pulled});
    operation.needs = std::move(needs);
    ready_[service.name] = {plan_.add(std::move(operation))};
    return {};
  }

  // A Dockerfile may refer to the image of a service on which its own service depends.
  Result<> after_dependencies(const compose::Service& service, std::vector<OperationId>& needs) {
    for (const auto& [name, how] : service.depends_on) {
      const auto other = project_.services.find(name);
      if (other == project_.services.end() || !other->second.build) continue;
      TRY(visit(other->second));
      const auto& made = ready_[name];
      needs.insert(needs.end(), made.begin(), made.end());
    }
    return {};
  }

  // A service used as build context is built, too, whether it exists or is selected: its sources may have changed.
  Result<> prepare_context(const compose::Service& service, const compose::Service& other) {
    if (project_.services.contains(other.name)) TRY(visit(other));
    if (!ready_[other.name].empty() || !other.build) return {};
    return build(other, image_name(project_, other), service.name + " is built from it", {});
  }

  OperationId pull(const compose::Service& service, const std::string& image, std::string cause) {
    const std::string key = image == image_name(project_, service) ? image_key(project_, service) : image;
    return pull_for(service, image, key, std::move(cause));
  }

  OperationId pull_for(const compose::Service& service, const std::string& image, const std::string& key,
                       std::string cause) {
    if (const auto found = pulled_.find(key); found != pulled_.end()) return found->second;
    return pulled_[key] = plan_.add(pull_operation(service, image, std::move(cause)));
  }

  // Pulls the images of `type: image` volumes.
  Result<> mounted_images(const compose::Service& service) {
    for (const compose::Mount& mount : service.volumes)
      if (mount.type == compose::MountType::image && !find_local(local_, mount.source))
        pull(service, mount.source, "mounted, and not on this machine");
    return {};
  }

  // Images of pre_start hooks, by the service's policy; images that another service builds exist by then.
  Result<> hook_images(const compose::Service& service) {
    for (const compose::PreStartHook& hook : service.pre_start) {
      if (hook.own.image.empty()) continue;
      const LocalImage* local = find_local(local_, image_key(project_, hook.container));
      const bool overridden = !options_.pull.empty() && options_.pull != "policy";
      const auto policy = decide(overridden ? options_.pull : service.pull_policy, local, options_.now);
      const bool wanted = policy == Policy::always || (!local && policy && *policy != Policy::never);
      if (wanted && !TRY(made_by_another(hook.container)))
        pull_for(service, hook.own.image, image_key(project_, hook.container), "for a pre_start hook");
    }
    return {};
  }

  const compose::Project& project_;
  const std::map<std::string, LocalImage>& local_;
  const ImageOptions& options_;
  Plan plan_;
  std::map<std::string, OperationId> pulled_;              // by image_key, or by the name of a mounted image
  std::map<std::string, std::vector<OperationId>> ready_;  // by service
};

Operation image_operation(Action action, const compose::Service& service, const std::string& image, std::string cause) {
  Operation operation;
  operation.action = std::move(action);
  operation.target = image;
  operation.service = service.name;
  operation.cause = std::move(cause);
  operation.shown = service.name;
  return operation;
}

bool has_latest_tag(const std::string& image) {
  const std::size_t colon = image.rfind(':');
  const bool tagged = colon != std::string::npos && image.find('/', colon) == std::string::npos;
  return image.find('@') == std::string::npos && (!tagged || image.substr(colon) == ":latest");
}

}  // namespace

Operation pull_operation(const compose::Service& service, const std::string& image, std::string cause) {
  Operation operation = image_operation(PullImage{}, service, image, std::move(cause));
  operation.before = "Pulling";
  operation.after = "Pulled";
  return operation;
}

Operation build_operation(const compose::Service& service, const std::string& image, std::string cause,
                          BuildImage how) {
  Operation operation = image_operation(how, service, image, std::move(cause));
  operation.shown = image;  // the name in Docker Compose's output
  operation.after = "Built";
  return operation;
}

bool wants_classic_builder(const compose::Project& project) {
  return is_off(project, "DOCKER_BUILDKIT");
}

Result<Plan> plan_images(const compose::Project& project, const std::map<std::string, LocalImage>& local,
                         const ImageOptions& options) {
  return ImagePlanner(project, local, options).run();
}

Result<Plan> plan_pull(const compose::Project& project, const std::map<std::string, LocalImage>& local_images,
                       const PullOptions& options) {
  Plan plan;
  plan.on_failure = options.ignore_failures ? OnFailure::go_on : OnFailure::stop;
  std::map<std::string, std::string> pulled_by;
  const auto skip = [&plan](const compose::Service& service, std::string why) {
    Operation operation;
    operation.action = Keep{};
    operation.target = service.name;
    operation.service = service.name;
    operation.shown = service.name;
    operation.after = "Skipped - " + why;
    plan.add(std::move(operation));
  };
  for (const auto& [name, service] : project.services) {
    if (service.image.empty()) {
      skip(service, "No image to be pulled");
      continue;
    }
    if (service.build && options.ignore_buildable) {
      skip(service, "Image can be built");
      continue;
    }
    const auto local = local_images.find(image_key(project, service));
    const LocalImage* present = local == local_images.end() ? nullptr : &local->second;
    const std::string& wish = options.policy.empty() ? service.pull_policy : options.policy;
    const auto policy = wish.empty() ? Policy::always : decide(wish, present, options.now).value_or(Policy::always);
    if (policy == Policy::never || policy == Policy::build) {
      skip(service, policy == Policy::never ? "Pull policy is never" : "Image can be built");
      continue;
    }
    if (policy == Policy::missing && present && !has_latest_tag(service.image)) {
      skip(service, "Image is already present locally");
      continue;
    }
    if (const auto [by, fresh] = pulled_by.emplace(image_key(project, service), name); !fresh) {
      skip(service, "Image is already being pulled by " + by->second);
      continue;
    }
    Operation operation = pull_operation(service, service.image, "");
    // An image that can be built need not be in the registry.
    if (service.build || options.ignore_failures) operation.necessity = Necessity::optional;
    plan.add(std::move(operation));
  }
  return plan;
}

Plan plan_build(const compose::Project& project) {
  compose::Project buildable = project;
  std::erase_if(buildable.services, [](const auto& entry) { return !entry.second.build; });
  const std::map<std::string, LocalImage> none;
  const ImageOptions options{.build = BuildWish::always};
  return ImagePlanner(buildable, none, options).run().value_or(Plan{});
}

}  // namespace consort::project
