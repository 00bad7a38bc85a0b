#include "kube/sync.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/os/fd.hpp"
#include "base/strings.hpp"
#include "image/pack_files.hpp"
#include "kube/manifests.hpp"
#include "kube/verbs.hpp"

namespace consort::kube {

namespace {

constexpr std::size_t most_words = 500;  // in one command

// The name of a mirrored file in a tar archive that is unpacked at "/".
std::string name_there(const engine::Mirror& mirror, const engine::Mirror::File& file) {
  const std::string path = file.as.empty() ? mirror.target : mirror.target + "/" + file.as;
  return path.substr(std::min(path.size(), path.find_first_not_of('/')));
}

struct Packed {
  Fd tar;                         // positioned at its beginning
  std::vector<std::string> gone;  // paths in the container
  bool empty = true;              // the tar contains nothing
};

Result<Packed> pack(const engine::Mirror& mirror) {
  Packed made{.tar = Fd(::memfd_create("sync", MFD_CLOEXEC))};
  if (!made.tar) return fail_errno("make a file in memory");
  const Fd root(::open(mirror.root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  std::vector<image::ChosenFile> files;
  for (const engine::Mirror::File& file : mirror.files)
    if (std::string name = name_there(mirror, file); !name.empty()) files.push_back({file.path, std::move(name)});
  std::vector<std::size_t> missing(files.size());
  for (std::size_t i = 0; i < missing.size(); ++i) missing[i] = i;  // if the root is gone, so are all its files
  if (root) missing = TRY(image::pack_files(root.get(), files, image::sink_of_fd(made.tar.get())));
  made.empty = missing.size() == files.size();
  // The target directory itself stays, even if its source is gone: it may also contain files of the image.
  for (const std::size_t index : missing)
    if (files[index].path != ".") made.gone.push_back("/" + files[index].as);
  return made;
}

Result<> check(const Ran& ran, const PodState& pod, const char* what) {
  if (ran.code == 0) return {};
  return fail(Error(Code::io, std::string(what) + " of pod " + pod.name).why(std::string(trim(ran.errors))));
}

Result<> bring(Session& session, const PodState& pod, const Packed& packed) {
  if (!packed.empty) {
    if (::lseek(packed.tar.get(), 0, SEEK_SET) < 0) return fail_errno("read a file in memory");
    TRY(check(TRY(exec_through(session, pod, {"tar", "-x", "-f", "-", "-C", "/"}, packed.tar.get(), {})), pod,
              "copy with the tar"));
  }
  for (std::size_t begin = 0; begin < packed.gone.size(); begin += most_words) {
    std::vector<std::string> command{"rm", "-rf", "--"};
    for (std::size_t i = begin; i < std::min(packed.gone.size(), begin + most_words); ++i)
      command.push_back(packed.gone[i]);
    TRY(check(TRY(exec_through(session, pod, std::move(command), -1, {})), pod, "remove with the rm"));
  }
  return {};
}

Result<std::vector<PodState>> running_pods(Session& session, const std::string& service) {
  std::vector<PodState> pods = TRY(pods_of(session, {}));
  std::erase_if(
      pods, [&](const PodState& pod) { return pod.service != object_name(service) || !pod.running() || pod.deleting; });
  return pods;
}

Result<> fit_triggers(const compose::Service& service, compose::Develop& develop) {
  for (compose::WatchTrigger& trigger : develop.watch) {
    if (trigger.action == "sync+restart" && !service.build)
      return fail(Error(Code::unsupported, "watch service \"" + service.name + "\" with sync+restart on Kubernetes")
                      .why("a restarted container has the files of its image again")
                      .hint("build the image (`build:`), or sync into a program that reloads its files")
                      .at(service.mark));
    if (trigger.action == "sync+restart") trigger.action = "rebuild";
    if (!trigger.exec.user.empty() || trigger.exec.privileged)
      return fail(Error(Code::unsupported, "watch service \"" + service.name + "\" with an exec of another user")
                      .why("a command runs on Kubernetes as its container does")
                      .at(service.mark));
  }
  return {};
}

}  // namespace

Result<compose::Project> project_to_watch(const compose::Project& project) {
  compose::Project made = project;
  for (auto& [name, service] : made.services) {
    for (const compose::Mount& mount : service.volumes)
      if (is_in_image(service, mount)) {
        if (!service.develop) service.develop.emplace();
        compose::WatchTrigger trigger;
        trigger.path = mount.source;
        trigger.action = "sync";
        trigger.target = mount.target;
        service.develop->watch.push_back(std::move(trigger));
      }
    std::erase_if(service.volumes, [](const compose::Mount& each) { return each.type == compose::MountType::bind; });
    if (service.develop) TRY(fit_triggers(service, *service.develop));
  }
  return made;
}

Result<> PodReactor::run(const project::Reaction& reaction) {
  if (!reaction.rebuild.empty()) TRY(rebuild(reaction.rebuild));
  for (const auto& [service, paths] : reaction.sync) {
    options_.say("Syncing service \"" + service + "\" after " + std::to_string(paths.size()) +
                 " changes were detected");
    TRY(sync(service, paths));
  }
  if (!reaction.restart.empty()) {
    // Files that these services mount from the project directory are in ConfigMaps, which must be updated first.
    TRY(apply_(reaction.restart));
    TRY(restart(session_, std::vector<std::string>(reaction.restart.begin(), reaction.restart.end())));
    options_.say("service(s) " + project::listed_services(reaction.restart) + " restarted");
  }
  for (const project::WatchRule* rule : reaction.exec) TRY(exec(*rule));
  return {};
}

Result<> PodReactor::rebuild(const std::set<std::string>& services) {
  options_.say("Rebuilding service(s) " + project::listed_services(services) + " after changes were detected...");
  TRY(apply_(services));
  options_.say("service(s) " + project::listed_services(services) + " successfully built");
  return sync_initially(services);
}

Result<> PodReactor::sync_initially(const std::set<std::string>& services) {
  for (const project::WatchRule& rule : rules_.rules) {
    if (!rule.initial_sync || !rule.copies() || !services.contains(rule.service)) continue;
    const std::vector<project::SyncedPath> paths = project::files_of_rule(rule);
    if (!paths.empty()) TRY(sync(rule.service, paths));
  }
  return {};
}

Result<> PodReactor::sync(const std::string& service, const std::vector<project::SyncedPath>& paths) {
  if (session_.trial == Trial::yes) return {};
  const std::vector<PodState> pods = TRY(running_pods(session_, service));
  for (const engine::Mirror& mirror : project::mirrors_of(paths)) {
    const Packed packed = TRY(pack(mirror));
    for (const PodState& pod : pods) TRY(bring(session_, pod, packed));
  }
  return {};
}

Result<> PodReactor::exec(const project::WatchRule& rule) {
  if (session_.trial == Trial::yes) return {};
  std::vector<std::string> command{"env"};
  for (const auto& [key, value] : rule.exec.environment) command.push_back(key + "=" + value.value_or(""));
  if (command.size() == 1) command.clear();
  for (const std::string& word : rule.exec.command.value_or(compose::Strings{})) command.push_back(word);
  for (const PodState& pod : TRY(running_pods(session_, rule.service))) {
    const Ran ran = TRY(exec_through(session_, pod, command, -1, [&](std::string_view bytes) -> Result<> {
      options_.out(bytes);
      return {};
    }));
    if (!ran.errors.empty()) options_.err(ran.errors);
    if (ran.code != 0) options_.say("exec in " + pod.name + " exited with status " + std::to_string(ran.code));
  }
  return {};
}

}  // namespace consort::kube
