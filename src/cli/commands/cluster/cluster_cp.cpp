// cp, volume export and volume import on a cluster: run tar in the container, through exec.
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "cli/commands/cluster/cluster.hpp"
#include "cli/commands/machine/input_file.hpp"
#include "cli/commands/machine/output_file.hpp"
#include "cli/commands/project/copy_files.hpp"
#include "cli/commands/project/selection.hpp"
#include "kube/one_off.hpp"
#include "kube/verbs.hpp"

namespace consort::cli {

namespace {

constexpr const char* kind_script =
    R"(if [ -d "$1" ]; then echo folder; elif [ -e "$1" ] || [ -L "$1" ]; then echo other; else echo missing; fi)";

class PodFiles : public ContainerFiles {
 public:
  PodFiles(kube::Session& session, const kube::PodState& pod) : session_(session), pod_(pod) {}
  std::string id() const override { return pod_.name; }
  std::string name() const override { return pod_.name; }

  Result<engine::PathKind> kind_of_path(const std::string& path, engine::Links) override {
    const std::string kind =
        std::string(trim(TRY(kube::exec_capture(session_, pod_, {"sh", "-c", kind_script, "sh", path}))));
    return kind == "folder"  ? engine::PathKind::directory
           : kind == "other" ? engine::PathKind::other
                             : engine::PathKind::missing;
  }

  Result<> copy_out(const std::string& path, int out, engine::Links links) override {
    const std::string clean = clean_path(path);
    std::vector<std::string> command{"tar", "-c", "-f", "-"};
    if (links == engine::Links::follow) command.emplace_back("-h");
    const std::string from = clean == "/" ? "/" : dir_name(clean);
    command.insert(command.end(), {"-C", from, name_of_copy(path)});
    return finish(TRY(kube::exec_through(session_, pod_, std::move(command), -1,
                                         [out](std::string_view bytes) { return write_full(out, bytes); })));
  }

  // The container's tar may write anything.
  std::string name_of_copy(const std::string& path) const override {
    const std::string clean = clean_path(path);
    const std::string name = clean == "/" ? "." : base_name(clean);
    return name.starts_with('-') ? "./" + name : name;  // so that it is not taken for a flag
  }

  Result<> copy_in(const std::string& path, int in) override {
    return finish(TRY(kube::exec_through(session_, pod_, {"tar", "-x", "-f", "-", "-C", path}, in, {})));
  }

 private:
  Result<> finish(const kube::Ran& ran) const {
    if (ran.code == 0) return {};
    return fail(Error(Code::io, "copy with the tar of pod " + pod_.name).why(std::string(trim(ran.errors))));
  }

  kube::Session& session_;
  const kube::PodState& pod_;
};

// A pod that only mounts one of the file's volumes, for as long as this object lives, so that the data can be read and
// written while nothing else uses it.
class DataPod {
 public:
  static constexpr const char* path = "/data";

  static Result<std::unique_ptr<DataPod>> start(const Invocation& invocation, ClusterWorkspace& workspace,
                                                const std::string& volume) {
    kube::Session& session = workspace.session();
    const compose::Project& project = *workspace.project();
    const auto of_file = project.volumes.find(volume);
    const std::string claim = kube::object_name(of_file == project.volumes.end() ? volume : of_file->second.name);
    const kube::Manifests manifests = TRY(manifests_of_running(invocation, workspace));
    const kube::Object pod = TRY(kube::data_pod(manifests, claim, path, project.name));
    TRY(warn_of_users(session, claim, volume));
    if (!TRY(kube::ensure_space(session))) return fail(Code::not_found, "namespace " + session.space);
    return std::unique_ptr<DataPod>(new DataPod(session, TRY(kube::start_one_off(session, manifests, pod))));
  }
  ~DataPod() { (void)kube::remove_pod(session_, pod_.name); }
  DataPod(const DataPod&) = delete;
  DataPod& operator=(const DataPod&) = delete;

  const kube::PodState& pod() const { return pod_; }

 private:
  DataPod(kube::Session& session, kube::PodState pod) : session_(session), pod_(std::move(pod)) {}

  static Result<> warn_of_users(kube::Session& session, const std::string& claim, const std::string& volume) {
    for (const kube::PodState& pod : TRY(kube::pods_of(session, {})))
      for (const auto& [name, where] : pod.data)
        if (name == claim && pod.running())
          session.progress.warn("pod " + pod.name + " uses volume " + volume + ": stop its service first");
    return {};
  }

  kube::Session& session_;
  kube::PodState pod_;
};

}  // namespace

Result<int> cluster_cp(Invocation& invocation, const ClusterTarget& target) {
  const CopyWish wish = TRY(copy_wish(invocation.arguments));
  const auto workspace = TRY(ClusterWorkspace::open(invocation, target, ClusterWorkspace::Need::name));
  kube::Session& session = workspace->session();
  const auto index = index_of(invocation);
  std::vector<kube::PodState> pods{TRY(kube::one_pod(session, wish.service(), index))};
  if (!wish.out() && !index) {
    pods = TRY(kube::pods_of(session, {wish.service()}));
    std::erase_if(pods, [](const kube::PodState& pod) { return !pod.running() || pod.deleting; });
  }
  if (invocation.dry_run) return 0;
  std::vector<std::unique_ptr<ContainerFiles>> all;
  for (const kube::PodState& pod : pods) all.push_back(std::make_unique<PodFiles>(session, pod));
  TRY(copy_files(session.progress, all, wish, invocation.flags));
  return 0;
}

Result<int> cluster_volume_export(Invocation& invocation, const ClusterTarget& target) {
  const std::string path = invocation.flags.text("output");
  if (path.empty() && invocation.terminal.out_is_terminal)
    return fail(Error(Code::invalid, "output option is required when exporting to terminal")
                    .hint("consort volume export -o data.tar VOLUME, or redirect: ... > data.tar"));
  const auto workspace = TRY(ClusterWorkspace::open(invocation, target, ClusterWorkspace::Need::file));
  if (invocation.dry_run) return 0;
  const auto data = TRY(DataPod::start(invocation, *workspace, invocation.arguments[0]));
  OutputFile output = TRY(OutputFile::open(path));
  const kube::Ran ran =
      TRY(kube::exec_through(workspace->session(), data->pod(), {"tar", "-c", "-f", "-", "-C", DataPod::path, "."}, -1,
                             [&](std::string_view bytes) { return write_full(output.fd(), bytes); }));
  if (ran.code != 0)
    return fail(Error(Code::io, "export volume " + invocation.arguments[0]).why(std::string(trim(ran.errors))));
  TRY(output.commit());
  return 0;
}

Result<int> cluster_volume_import(Invocation& invocation, const ClusterTarget& target) {
  const std::string& name = invocation.arguments[0];
  const std::string path = invocation.arguments.size() > 1 ? invocation.arguments[1] : "-";
  const auto workspace = TRY(ClusterWorkspace::open(invocation, target, ClusterWorkspace::Need::file));
  if (invocation.dry_run) return 0;
  kube::Session& session = workspace->session();
  const auto data = TRY(DataPod::start(invocation, *workspace, name));
  const std::string there = TRY(kube::exec_capture(session, data->pod(), {"ls", "-A", DataPod::path}));
  if (!trim(there).empty() && !invocation.flags.on("force"))
    return fail(Error(Code::conflict, "volume " + name + " is not empty")
                    .hint("use another name, or --force to extract over what is there"));
  const Fd input = TRY(open_input(path));
  const kube::Ran ran =
      TRY(kube::exec_through(session, data->pod(), {"tar", "-x", "-f", "-", "-C", DataPod::path}, input.get(), {}));
  if (ran.code != 0) return fail(Error(Code::io, "import volume " + name).why(std::string(trim(ran.errors))));
  print_out(name + "\n");
  return 0;
}

}  // namespace consort::cli
