// bridge transformations: lists the images that `bridge convert --transformation` can run, and creates a directory to
// build one from.
#include <algorithm>

#include "base/json.hpp"
#include "base/os/files/file.hpp"
#include "base/os/processes/process.hpp"
#include "base/time.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/machine/ensure_image.hpp"
#include "cli/render/table.hpp"
#include "cli/workspace.hpp"
#include "engine/images.hpp"
#include "engine/left_behind.hpp"

namespace consort::cli {

namespace {

// Docker Compose's label for such images, and the image that new ones are based on.
constexpr const char* transformation_label = "com.docker.compose.bridge";
constexpr const char* kubernetes_transformation = "docker/compose-bridge-kubernetes";
constexpr const char* new_dockerfile =
    "FROM docker/compose-bridge-transformer\n"
    "LABEL com.docker.compose.bridge=transformation\n"
    "COPY templates /templates\n";

Result<std::vector<image::Image>> transformations(engine::Images images) {
  std::vector<image::Image> found;
  for (image::Image& image : TRY(images.list())) {
    const auto labels = TRY(images.config_of(image)).labels;
    const auto label = labels.find(transformation_label);
    if (label != labels.end() && label->second == "transformation") found.push_back(std::move(image));
  }
  return found;
}

std::string transformation_name(const image::Image& image) {
  return image.names.empty() ? image.id : image::familiar_name(image.names[0]);
}

std::string transformations_json(const std::vector<image::Image>& images) {
  Json array = Json::array();
  for (const image::Image& image : images) {
    std::vector<std::string> names;
    for (const std::string& name : image.names) names.push_back(image::familiar_name(name));
    array.push_back({{"Id", image.id},
                     {"RepoTags", names},
                     {"Created", std::chrono::floor<std::chrono::seconds>(image.created).time_since_epoch().count()},
                     {"Size", image.size}});
  }
  return dump_json(array) + "\n";
}

std::string transformations_table(const std::vector<image::Image>& images) {
  std::vector<std::vector<std::string>> cells{{"IMAGE ID", "REPO", "TAGS", "SIZE"}};
  for (const image::Image& image : images) {
    std::string repository = "<none>", tag = "<none>";
    if (const auto reference = image::Reference::parse(transformation_name(image)); reference && !image.names.empty()) {
      repository = reference->familiar_name();
      tag = reference->tag;
    }
    cells.push_back({image.short_id(), repository, tag, human_bytes_decimal(image.size)});
  }
  return format_table(cells, wide_table);
}

// Copies a container's directory to a new one on the host.
Result<> copy_templates(engine::Engine& engine, const std::string& container, const std::string& into) {
  constexpr const char* templates = "/templates";
  if (TRY(engine.kind_of_path(container, templates)) != engine::PathKind::directory)
    return fail(Code::not_found, "the image has no directory /templates, so it is not a transformation");
  TRY(make_directories(into));
  Pipe pipe = TRY(make_pipe());
  // The image is untrusted: none of its files may become a setuid program of root's on the host.
  ChildGuard tar = TRY(spawn(
      {.argv = {"tar", "--extract", "--file=-", "--no-same-owner", "--no-same-permissions", "--directory=" + into},
       .in = pipe.read.get()}));
  pipe.read.reset();
  Result<> copied = engine.copy_out(container, templates, pipe.write.get());
  pipe.write.reset();
  const ExitStatus status = TRY(tar.wait());
  TRY(std::move(copied));
  return status.success() ? Result<>() : Result<>(fail(Code::io, "tar failed"));
}

}  // namespace

Result<int> run_transformations_list(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  const auto images = TRY(transformations(workspace->engine().images()));
  const std::string format = invocation.flags.text("format", "table");
  if (format != "table" && format != "json") return fail(Code::invalid, "unsupported format \"" + format + "\"");
  if (invocation.flags.on("quiet")) {
    for (const image::Image& image : images) print_out(transformation_name(image) + "\n");
  } else {
    print_out(format == "json" ? transformations_json(images) : transformations_table(images));
  }
  return 0;
}

Result<int> run_transformations_create(Invocation& invocation) {
  const std::string path = join_path(TRY(current_directory()), invocation.arguments[0]);
  if (path_exists(path)) return fail(Code::conflict, "output directory " + path + " already exists");
  const std::string image = invocation.flags.text("from", kubernetes_transformation);
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  TRY(ensure_image(*workspace, invocation.flags, image));
  if (invocation.dry_run) return 0;
  engine::Engine& engine = workspace->engine();
  // The container exists only to be read. If this command is killed, the hold shows other commands that the container
  // may be removed.
  engine::ContainerSpec spec;
  spec.image = image;
  spec.oneoff = spec.auto_remove = true;
  spec.labels[engine::for_maker_alone] = "True";
  const engine::CreatedContainer made = TRY(engine.create_container(spec));
  Result<> copied = copy_templates(engine, made.id, path);
  (void)engine.remove_container(made.id, {engine::Force::yes, engine::AnonymousVolumes::remove});
  if (copied) copied = write_file_atomic(path + "/Dockerfile", new_dockerfile);
  if (!copied) {
    (void)remove_tree(path);
    return fail(std::move(copied).error());
  }
  print_out("Transformer created in \"" + path + "\"\n");
  return 0;
}

}  // namespace consort::cli
