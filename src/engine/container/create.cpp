#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <set>

#include "base/os/files/file.hpp"
#include "base/os/files/reserve.hpp"
#include "base/strings.hpp"
#include "engine/api_socket.hpp"
#include "engine/checks/validate.hpp"
#include "engine/container/merge.hpp"
#include "engine/engine_impl.hpp"
#include "engine/records/leases.hpp"
#include "engine/start/image_subpath.hpp"
#include "supervisor/api_socket.hpp"
#include "supervisor/hold.hpp"
#include "volume/layers_view.hpp"
#include "volume/volume.hpp"

namespace consort::engine {

namespace {

// One creation. The destructor undoes everything that was made before the record, unless the creation succeeded.
class Creation {
 public:
  Creation(Engine::Impl& impl, ContainerSpec spec) : impl_(impl), spec_(std::move(spec)) {}
  ~Creation();
  Creation(const Creation&) = delete;
  Creation& operator=(const Creation&) = delete;
  Result<CreatedContainer> run();

 private:
  Result<> resolve_image();
  Result<> resolve_container_modes();
  Result<> resolve_networks();
  Result<> take_over_volumes();  // of volumes_from
  Result<> add_image_volumes();
  Result<> prepare_mounts();
  Result<> prepare_mount(MountSpec& mount, MountPoint& point);
  Result<> prepare_bind(const MountSpec& mount);
  StringMap volume_labels(const MountSpec& mount) const;
  Result<> prepare_volume(MountSpec& mount, MountPoint& point);
  Result<> copy_up(const MountSpec& mount);
  Result<> make_bundle();
  Result<> record();
  bool is_target(const std::string& path) const;

  Engine::Impl& impl_;
  ContainerSpec spec_;
  ContainerRecord record_;
  std::shared_ptr<const Engine::Impl::ImageFacts> image_;
  std::string id_ = random_id();
  std::string bundle_;
  Strings warnings_;
  Strings new_volumes_;  // anonymous ones made here
  Fd image_root_;        // opened when the first volume is to be filled
  Fd guard_;             // keeps sweep() away from the bundle until it is recorded
  Fd hold_;              // see CreatedContainer
  bool done_ = false;
};

Creation::~Creation() {
  if (done_) return;
  if (!bundle_.empty()) (void)remove_tree(bundle_);
  for (const std::string& volume : new_volumes_) (void)impl_.remove_volume(volume);
}

bool Creation::is_target(const std::string& path) const {
  const std::string cleaned = clean_path(path);
  const auto same = [&](const std::string& other) { return clean_path(other) == cleaned; };
  return std::ranges::any_of(spec_.mounts, same, &MountSpec::target) ||
         std::ranges::any_of(spec_.tmpfs, [&](const auto& entry) { return same(entry.first); });
}

Result<> Creation::resolve_image() {
  std::string image = spec_.image_id.empty() ? spec_.image : spec_.image_id;
  if (!spec_.platform.empty()) image = TRY(impl_.store.find(image, TRY(image::Platform::parse(spec_.platform)))).id;
  image_ = TRY(impl_.image_facts(image));
  if (spec_.image.empty()) spec_.image = image_->image.display_name();
  spec_.image_id = image_->image.id;
  record_.process = TRY(merge_config(spec_, image_->config));
  return {};
}

// "container:NAME" becomes "container:ID", which survives a renaming.
Result<> Creation::resolve_container_modes() {
  for (const auto& [setting, mode] : {std::pair("network_mode", &spec_.network_mode), std::pair("pid", &spec_.pid_mode),
                                      std::pair("ipc", &spec_.ipc_mode)}) {
    if (!mode->starts_with("container:")) continue;
    auto donor = impl_.records.find_container(mode->substr(10));
    if (!donor) return fail(std::move(donor).error().about(Subject::setting, setting));
    *mode = "container:" + *donor;
  }
  TRY(impl_.resolve_links(spec_.links));
  return {};
}

Result<> Creation::resolve_networks() {
  // The name of a built-in network is a mode.
  if (spec_.networks.size() == 1 && (spec_.networks[0].network == "host" || spec_.networks[0].network == "none")) {
    spec_.network_mode = spec_.networks[0].network;
    spec_.networks.clear();
  }
  std::string& mode = spec_.network_mode;
  if (mode == "default") mode.clear();
  const bool own = mode == "host" || mode == "none" || mode.starts_with("container:");
  if (own && !spec_.networks.empty()) {
    return fail(Error(Code::conflict,
                      "conflicting options: cannot attach both user-defined and non-user-defined network-modes"));
  }
  if (own) return {};
  if (spec_.networks.empty()) spec_.networks.push_back({.network = mode.empty() ? default_network : mode});
  std::ranges::stable_sort(spec_.networks, attaches_before);
  for (const EndpointSpec& endpoint : spec_.networks) {
    if (endpoint.network == default_network) TRY(impl_.ensure_default_network());
    const Network network = TRY(impl_.records.find_network(endpoint.network));
    TRY(check_endpoint(endpoint, network));
    record_.endpoints.push_back(
        {.container_id = id_, .network_id = network.id, .spec = endpoint, .ipv4 = {}, .ipv6 = {}, .project = {}});
  }
  return {};
}

Result<> Creation::take_over_volumes() {
  for (const std::string& text : spec_.volumes_from) {
    const std::size_t colon = text.rfind(':');
    auto found = impl_.records.find_container(text.substr(0, colon));
    if (!found) return fail(std::move(found).error().about(Subject::setting, "volumes_from/container:" + text));
    const std::string& donor = *found;
    const bool narrow = colon != std::string::npos && text.substr(colon + 1) == "ro";
    for (MountSpec mount : TRY(impl_.records.load_container(donor)).spec.mounts) {
      if (mount.type == MountType::tmpfs || is_target(mount.target)) continue;
      mount.read_only = mount.read_only || narrow;
      spec_.mounts.push_back(std::move(mount));
    }
  }
  spec_.volumes_from.clear();
  return {};
}

Result<> Creation::add_image_volumes() {
  for (const std::string& target : record_.process.volumes) {
    if (is_target(target)) continue;
    spec_.mounts.push_back({.type = MountType::volume, .target = clean_path(target)});
  }
  return {};
}

// For a socket that does not exist. A directory in its place would stay on the host, and the program that creates the
// socket would find it there.
std::unexpected<Error> no_socket(const MountSpec& mount, const char* why) {
  const bool of_docker = base_name(mount.source) == "docker.sock";
  return fail(Error(Code::invalid, "mount \"" + mount.source + "\" on \"" + mount.target + "\"")
                  .why(why)
                  .hint(of_docker ? "Consort has no daemon that listens there: `consort serve -H unix://" +
                                        mount.source + "` creates the socket while it runs"
                                  : "sockets are created by the program that listens on them: start it first, or mount "
                                    "the directory that will contain the socket"));
}

bool is_socket(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_socket(path, error);
}

bool is_empty_directory(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_directory(path, error) && std::filesystem::is_empty(path, error);
}

// Docker's own socket, where there is no Docker: that of `consort serve`, if it listens at its default place.
std::string source_of_bind(const MountSpec& mount, const Roots& roots) {
  const bool of_docker = mount.source == "/var/run/docker.sock" || mount.source == "/run/docker.sock";
  const std::string ours = roots.run + "/docker.sock";
  return of_docker && !is_socket(mount.source) && is_socket(ours) ? ours : mount.source;
}

Result<> Creation::prepare_bind(const MountSpec& mount) {
  // Docker and earlier versions of this program have left such directories.
  if (base_name(mount.source) == "docker.sock" && is_empty_directory(mount.source))
    return no_socket(mount, "there is an empty directory instead of the socket");
  if (path_exists(mount.source)) return {};
  if (mount.create_host_path && mount.source.ends_with(".sock")) return no_socket(mount, "there is no such socket");
  if (!mount.create_host_path) {
    return fail(
        Error(Code::invalid, "invalid mount config for type \"bind\": bind source path does not exist: " + mount.source)
            .hint("create it first, or correct the path; the short form of `volumes` creates missing directories"));
  }
  if (Result<> made = make_directories(mount.source, 0755); !made)
    return fail(std::move(made).error().wrap("create the directory to be mounted at", mount.target));
  return {};
}

Result<> Creation::copy_up(const MountSpec& mount) {
  if (mount.nocopy || !mount.subpath.empty()) return {};
  if (!TRY(volume::needs_copy_up(impl_.roots, mount.source))) return {};
  if (!image_root_) image_root_ = TRY(volume::open_layers(image_->layers, impl_.roots.run + "/views"));
  return volume::copy_up(impl_.roots, mount.source, image_root_.get(), mount.target);
}

// An anonymous volume carries its project's label, so that it can be found when its container is gone.
StringMap Creation::volume_labels(const MountSpec& mount) const {
  StringMap labels = mount.volume_labels;
  const auto project = spec_.labels.find("com.docker.compose.project");
  if (mount.source.empty() && project != spec_.labels.end()) labels.insert(*project);
  return labels;
}

Result<> Creation::prepare_volume(MountSpec& mount, MountPoint& point) {
  const Volume volume = TRY(impl_.ensure_volume({.name = mount.source,
                                                 .driver = mount.volume_driver,
                                                 .driver_opts = mount.volume_driver_options,
                                                 .labels = volume_labels(mount)}));
  if (mount.source.empty()) new_volumes_.push_back(volume.spec.name);
  mount.source = volume.spec.name;
  point.name = volume.spec.name;
  point.source = volume.mountpoint;
  point.anonymous = volume.anonymous;
  TRY(volume::mount_volume(impl_.roots, mount.source, volume.spec.driver_opts));
  // Another container may still have to create it, so it is looked for at the start.
  if (!mount.subpath.empty()) {
    Result<std::string> found = volume::resolve_subpath(volume.mountpoint, mount.subpath);
    if (!found && found.error().sys_errno() != ENOENT) return fail(std::move(found).error());
    point.source = found ? std::move(*found) : join_path(volume.mountpoint, mount.subpath);
  }
  return copy_up(mount);
}

Result<> Creation::prepare_mount(MountSpec& mount, MountPoint& point) {
  if (mount.type == MountType::bind && mount.source == project_api) {
    // Created when it is needed, by the supervisor that listens on it.
    mount.source = point.source = supervisor::api_socket_path(impl_.roots.project_run(spec_.project));
    return {};
  }
  if (mount.type == MountType::bind) {
    mount.source = point.source = source_of_bind(mount, impl_.roots);
    return prepare_bind(mount);
  }
  if (mount.type == MountType::volume) return prepare_volume(mount, point);
  if (mount.type != MountType::image) return {};
  const auto facts = TRY(impl_.image_facts(mount.source));
  mount.source = facts->image.id;
  if (!mount.subpath.empty())
    TRY(mounted_part(impl_.roots, facts->layers, mount.subpath));  // found now rather than at the start
  return {};
}

Result<> Creation::prepare_mounts() {
  for (MountSpec& mount : spec_.mounts) {
    MountPoint point{.type = mount.type,
                     .name = {},
                     .source = mount.source,
                     .target = clean_path(mount.target),
                     .read_only = mount.read_only,
                     .propagation = mount.type == MountType::bind ? mount.propagation : ""};
    if (Result<> prepared = prepare_mount(mount, point); !prepared)
      return fail(std::move(prepared).error().about(Subject::mount, point.target));
    record_.summary.mounts.push_back(std::move(point));
  }
  for (const auto& [target, options] : spec_.tmpfs)
    record_.summary.mounts.push_back({.type = MountType::tmpfs, .target = clean_path(target)});
  return {};
}

// /etc/mtab for programs that do not know /proc/mounts, if the image has none.
Result<> add_mtab(const std::string& upper, const std::vector<std::string>& layers) {
  const std::string* top = nullptr;
  for (const std::string& layer : layers) {
    struct stat st;
    if (::lstat((layer + "/etc/mtab").c_str(), &st) == 0) return {};
    if (::lstat((layer + "/etc").c_str(), &st) != 0) continue;
    if (!S_ISDIR(st.st_mode)) return {};
    if (!top) top = &layer;
  }
  if (!top) return {};
  const struct stat st = TRY(lstat_path(*top + "/etc"));
  const std::string directory = upper + "/etc";
  if (::mkdir(directory.c_str(), 0755) != 0) return fail_errno("create directory", directory);
  if (::chown(directory.c_str(), st.st_uid, st.st_gid) != 0 || ::chmod(directory.c_str(), st.st_mode & 07777) != 0)
    return fail_errno("set owner of", directory);
  if (::symlink("/proc/mounts", (directory + "/mtab").c_str()) != 0)
    return fail_errno("create link", directory + "/mtab");
  return {};
}

Result<> Creation::make_bundle() {
  guard_ = TRY(impl_.guard_creations());
  bundle_ = impl_.container_directory(id_);
  // Nobody but root can enter the first. "upper" is the container's "/", which all its users must be able to enter.
  for (const char* part : {"", "/upper", "/work"}) {
    const mode_t mode = *part == '\0' ? 0700 : 0755;
    if (::mkdir((bundle_ + part).c_str(), mode) != 0) return fail_errno("create directory", bundle_ + part);
  }
  if (spec_.auto_remove) hold_ = TRY(supervisor::hold(bundle_));
  const Fd marker = TRY(open_file(bundle_ + "/upper/.dockerenv", O_WRONLY | O_CREAT | O_EXCL, 0755));
  TRY(add_mtab(bundle_ + "/upper", image_->layers));
  if (spec_.files.empty()) return {};
  if (::mkdir((bundle_ + "/files").c_str(), 0700) != 0) return fail_errno("create directory", bundle_ + "/files");
  std::size_t serial = 0;
  for (const FileContent& file : spec_.files) {
    const std::string path = bundle_ + "/files/" + std::to_string(serial++);
    TRY(write_file_atomic(path, file.content, file.mode));
    if (::chown(path.c_str(), file.uid, file.gid) != 0 || ::chmod(path.c_str(), file.mode) != 0)
      return fail_errno("set owner of", file.path);
  }
  return {};
}

Result<> Creation::record() {
  Container& c = record_.summary;
  c.id = id_;
  c.name = spec_.name.empty() ? "consort_" + id_.substr(0, 12) : spec_.name;
  if (spec_.project.empty()) spec_.project = "default";
  c.project = spec_.project;
  c.service = spec_.service;
  c.number = spec_.number;
  c.oneoff = spec_.oneoff;
  c.image = spec_.image;
  c.image_id = spec_.image_id;
  c.command = record_.process.argv;
  c.created_at = system_now();
  c.labels = record_.process.labels;
  c.restart = spec_.restart;
  c.network_mode = spec_.network_mode;
  c.ports = spec_.ports;
  c.exposed = record_.process.exposed;
  c.tty = spec_.tty;
  c.open_stdin = spec_.open_stdin;
  record_.hostname = spec_.hostname.empty() ? id_.substr(0, 12) : spec_.hostname;
  record_.domainname = spec_.domainname;
  for (FileContent& file : spec_.files) file.content.clear();  // it is in the bundle now
  record_.spec = spec_;
  std::set<std::string> volumes;
  for (const MountPoint& mount : c.mounts)
    if (mount.type == MountType::volume) volumes.insert(mount.name);
  return impl_.records.add_container(record_, std::vector(volumes.begin(), volumes.end()),
                                     impl_.container_event(c, "create"), [&](SQLite::Database& transaction) {
                                       image::Store::hold_within(transaction, "container:" + id_,
                                                                 image::Store::HoldKind::image, spec_.image_id);
                                     });
}

Result<CreatedContainer> Creation::run() {
  TRY(validate_container(spec_, impl_.host(), warnings_));
  TRY(resolve_image());
  TRY(resolve_container_modes());
  TRY(resolve_networks());
  TRY(take_over_volumes());
  TRY(add_image_volumes());
  TRY(prepare_mounts());
  TRY(make_bundle());
  TRY(record());
  if (std::string warning = impl_.warn_of_users(spec_); !warning.empty()) warnings_.push_back(std::move(warning));
  done_ = true;
  return CreatedContainer{.id = id_, .warnings = std::move(warnings_), .hold = std::move(hold_)};
}

}  // namespace

Result<CreatedContainer> Engine::create_container(const ContainerSpec& spec) {
  // If an `up` recreates a container, the old one is stopped next: there must be space left to start this one.
  TRY_WRAP(check_room(impl_->roots.data), "create container", spec.name);
  return Creation(*impl_, spec).run();
}

}  // namespace consort::engine
