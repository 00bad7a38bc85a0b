// bridge convert: writes the project in another tool's format. Without a transformation, the output is that of `export
// kubernetes`, with one file per object. With one, its image is run as Docker Compose runs it: the program finds the
// model as /in/compose.yaml and writes to /out. Existing output is replaced only by a complete result.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <set>
#include <utility>

#include "base/json.hpp"
#include "base/os/files/dir_stream.hpp"
#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "cli/commands/cluster/cluster.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/render/confirm.hpp"
#include "cli/workspace.hpp"
#include "compose/plain_yaml.hpp"
#include "engine/images.hpp"
#include "project/plan/names.hpp"

namespace consort::cli {

namespace {

// A new directory that is removed by the destructor, unless it has replaced the target.
class NewDirectory {
 public:
  static Result<NewDirectory> create(std::string pattern) {
    if (!::mkdtemp(pattern.data())) return fail_errno("create directory", pattern);
    return NewDirectory(std::move(pattern));
  }
  NewDirectory(NewDirectory&& other) noexcept : path_(std::exchange(other.path_, "")) {}
  NewDirectory& operator=(NewDirectory&&) = delete;
  ~NewDirectory() {
    if (!path_.empty()) (void)remove_tree(path_);
  }
  const std::string& path() const { return path_; }

  // Replaces another directory, which is then removed.
  Result<> replace(const std::string& other) {
    if (::chmod(path_.c_str(), 0755) != 0) return fail_errno("chmod", path_);
    TRY(remove_tree(other));
    TRY(rename_path(path_, other));
    path_.clear();
    return {};
  }

 private:
  explicit NewDirectory(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

Result<bool> is_empty_or_missing(const std::string& path) {
  const DirStream stream(::opendir(path.c_str()));
  if (!stream) return errno == ENOENT ? Result<bool>(true) : Result<bool>(fail_errno("open directory", path));
  while (const dirent* entry = ::readdir(stream.get()))
    if (const std::string_view name = entry->d_name; name != "." && name != "..") return false;
  return true;
}

bool holds(const std::string& directory, const std::string& path) {
  return (path + "/").starts_with(directory + "/");
}

// Asks in Docker Compose's words.
Result<> ask_to_replace(const Invocation& invocation, const std::string& output) {
  if (TRY(is_empty_or_missing(output)) || invocation.flags.on("yes")) return {};
  if (confirm(invocation.terminal,
              "Output directory '" + output + "' is not empty, all its content will be permanently deleted. Continue?",
              Answer::no))
    return {};
  return fail(Error(Code::conflict, "deletion of output directory '" + output + "' was not confirmed")
                  .hint("answer with --yes, or choose another directory with -o"));
}

// "003-deployment-web.yaml": in the order in which kubectl must apply them.
Result<> write_manifests(const Invocation& invocation, const compose::Project& project, const std::string& directory) {
  const kube::Manifests manifests =
      TRY(manifests_for(invocation, project, {.images = {}, .registry = invocation.globals.text("registry")}));
  std::size_t number = 0;
  for (const kube::Object& object : manifests.objects) {
    std::string digits = std::to_string(number++);
    digits.insert(0, digits.size() < 3 ? 3 - digits.size() : 0, '0');
    TRY(write_file_atomic(directory + "/" + digits + "-" + to_lower(object.kind) + "-" + object.name + ".yaml",
                          TRY(kube::manifests_yaml({object}))));
  }
  return {};
}

// The ports that a transformation learns: those of the file, the published ones, and those of the image.
Result<Json> exposed_ports(Workspace& workspace, const compose::Service& service, const std::string& image) {
  std::set<std::string> ports(service.expose.begin(), service.expose.end());
  for (const compose::Port& port : service.ports) ports.insert(std::to_string(port.target));
  if (const auto found = TRY(workspace.engine().images().look_up(image))) {
    for (const std::string& port : TRY(workspace.engine().images().config_of(*found)).exposed_ports)
      ports.insert(port.substr(0, port.find('/')));
  } else {
    workspace.progress().warn("image " + image + " of service \"" + service.name +
                              "\" is not on this machine: its exposed ports are left out");
  }
  return Json(std::vector<std::string>(ports.begin(), ports.end()));
}

// Adds the content of configs and secrets, because a transformation has no access to our files.
Result<> add_contents(Workspace& workspace, Json& model, const char* kind) {
  if (!model.contains(kind)) return {};
  for (auto& [name, each] : model[kind].items()) {
    if (const std::string file = get_string(each, "file"); !file.empty()) each["content"] = TRY(read_file(file));
    if (const std::string variable = get_string(each, "environment"); !variable.empty())
      each["content"] = workspace.variable(variable).value_or("");
  }
  return {};
}

Result<std::string> model_text(Workspace& workspace) {
  const compose::Project& project = *workspace.project();
  Json model = TRY(parse_json(compose::render_json(project), "the model"));
  for (const auto& [name, service] : project.services) {
    if (service.provider) continue;
    const std::string image = project::image_name(project, service);
    Json& each = model["services"][name];
    each["image"] = image;
    each["expose"] = TRY(exposed_ports(workspace, service, image));
  }
  TRY(add_contents(workspace, model, "configs"));
  TRY(add_contents(workspace, model, "secrets"));
  return compose::render_yaml(TRY(compose::parse_plain_yaml(dump_json(model), "the model")));
}

// Runs the image as `run --rm IMAGE` does.
Result<int> run_transformation(const Invocation& invocation, const std::string& image,
                               const std::vector<std::string>& binds) {
  Invocation run = invocation;
  run.flags = {};
  run.flags.set("rm", "true");
  run.flags.set("env", "LICENSE_AGREEMENT=true");
  run.flags.set("user", std::to_string(::geteuid()));
  for (const std::string& bind : binds) run.flags.set("volume", bind);
  run.arguments = {image};
  return run_container_run(run);
}

Result<int> run_transformations(const Invocation& invocation, const std::string& out) {
  Invocation again = invocation;
  again.has_warned = true;
  const auto workspace = TRY(Workspace::open(again, Need::file));
  const NewDirectory in = TRY(NewDirectory::create("/tmp/consort-bridge-XXXXXX"));
  TRY(write_file_atomic(in.path() + "/compose.yaml", TRY(model_text(*workspace)), 0600));
  std::vector<std::string> binds{in.path() + ":/in:ro", out + ":/out"};
  if (const std::string templates = invocation.flags.text("templates"); !templates.empty()) {
    const std::string path = join_path(TRY(current_directory()), templates);
    if (!path_exists(path)) return fail(Code::not_found, "no such directory: " + templates);
    binds.push_back(path + ":/templates:ro");
  }
  for (const std::string& image : invocation.flags.list("transformation"))
    if (const int status = TRY(run_transformation(invocation, image, binds)); status != 0) return status;
  return 0;
}

}  // namespace

Result<int> run_bridge_convert(Invocation& invocation) {
  const bool runs_images = !invocation.flags.list("transformation").empty();
  if (!runs_images && invocation.flags.has("templates"))
    return fail(Error(Code::invalid, "--templates is for a transformation")
                    .hint("name its image with --transformation; the objects of `export kubernetes`, written without "
                          "one, use no templates"));
  const compose::Project project = TRY(load_project(invocation, TRY(load_options(invocation, {}))));
  const std::string output = join_path(TRY(current_directory()), invocation.flags.text("output"));
  if (output == "/" || holds(output, TRY(current_directory())) || holds(output, project.working_directory))
    return fail(Error(Code::invalid, "the output directory cannot be " + output)
                    .why("all of its content would be removed, including the project")
                    .hint("choose another directory with -o"));
  if (invocation.dry_run) return 0;
  TRY(ask_to_replace(invocation, output));
  TRY(make_directories(dir_name(output)));
  NewDirectory made = TRY(NewDirectory::create(output + ".XXXXXX"));
  if (runs_images) {
    if (const int status = TRY(run_transformations(invocation, made.path())); status != 0) return status;
  } else {
    TRY(write_manifests(invocation, project, made.path()));
  }
  TRY(made.replace(output));
  return 0;
}

}  // namespace consort::cli
