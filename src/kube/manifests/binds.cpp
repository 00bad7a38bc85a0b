// Bind mounts: small ones become a ConfigMap. A source tree that the image is built from is already in the image.
#include <algorithm>
#include <filesystem>

#include "base/base64.hpp"
#include "base/os/files/file.hpp"
#include "kube/manifests/parts.hpp"

namespace consort::kube {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t object_limit = 700'000;  // bytes; Base64 makes it a third longer
constexpr std::size_t file_limit = 500;

bool is_within(const std::string& path, const std::string& directory) {
  return path == directory || path.starts_with(directory == "/" ? directory : directory + "/");
}

struct BoundFile {
  std::string path;  // relative to the mount point
  std::string content;
  bool runs = false;  // is executable
};

// The content of a directory; nothing if it is more than an object can hold.
Result<std::optional<std::vector<BoundFile>>> read_directory(const std::string& directory) {
  std::vector<BoundFile> files;
  std::uint64_t bytes = 0;
  std::error_code error;
  fs::recursive_directory_iterator entry(directory, fs::directory_options::skip_permission_denied, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (!entry->is_regular_file(error)) continue;
    bytes += entry->file_size(error);
    if (bytes > object_limit || files.size() >= file_limit) return std::nullopt;
    const bool runs = (entry->status(error).permissions() & fs::perms::owner_exec) != fs::perms::none;
    std::string content = TRY(read_file(entry->path().string()));
    files.push_back({fs::relative(entry->path(), directory, error).string(), std::move(content), runs});
  }
  if (error) return fail_errno(error.value(), "read directory", directory);
  std::ranges::sort(files, {}, &BoundFile::path);
  return files;
}

class Bind {
 public:
  Bind(const Scope& scope, const project::DesiredService& service, const compose::Mount& mount, std::size_t number)
      : scope_(scope), service_(service), mount_(mount), volume_("bind-" + std::to_string(number)) {}

  Result<> add(Pod& pod) {
    const auto status = stat_path(mount_.source);
    if (!status) {
      refuse("it does not exist", "");
      return {};
    }
    if (S_ISREG(status->st_mode)) {
      if (static_cast<std::uint64_t>(status->st_size) > object_limit) return too_large();
      std::string content = TRY(read_file(mount_.source));
      const std::string name = base_name(mount_.source);
      return add_files({BoundFile{name, std::move(content), (status->st_mode & 0100) != 0}}, name, pod);
    }
    if (!S_ISDIR(status->st_mode)) {
      refuse("it is neither a file nor a directory", "sockets and devices of this machine are not available there");
      return {};
    }
    if (is_in_image(file_of(scope_, service_), mount_)) {
      warn("what the image has at " + mount_.target + " is used instead", "`watch` brings changes there");
      return {};
    }
    auto files = TRY(read_directory(mount_.source));
    if (!files) return too_large();
    return add_files(std::move(*files), "", pod);
  }

 private:
  Result<> add_files(std::vector<BoundFile> files, const std::string& sub_path, Pod& pod) {
    if (!mount_.read_only) warn("it is read-only there", "append :ro if nothing writes to it");
    Json data = Json::object(), items = Json::array();
    for (std::size_t i = 0; i < files.size(); ++i) {
      const std::string key = "f" + std::to_string(i) + "-" + object_key(base_name(files[i].path)).substr(0, 200);
      data[key] = base64_encode(files[i].content);
      items.push_back(Json{{"key", key}, {"path", files[i].path}, {"mode", files[i].runs ? 0555 : 0444}});
    }
    const std::string name =
        object_name(service_.name + "-" + base_name(mount_.source), 10) + "-" + content_tag(dump_json(data));
    scope_.add(service_.name, Json{{"apiVersion", "v1"},
                                   {"kind", "ConfigMap"},
                                   {"metadata", metadata(scope_, name, service_.name)},
                                   {"immutable", true},
                                   {"binaryData", std::move(data)}});
    Json where{{"mountPath", mount_.target}, {"readOnly", true}};
    if (!sub_path.empty()) where["subPath"] = sub_path;
    Json source{{"name", name}};
    if (!items.empty()) source["items"] = std::move(items);
    add_volume(pod, Json{{"name", volume_}, {"configMap", std::move(source)}}, std::move(where));
    return {};
  }

  Result<> too_large() {
    refuse("it is too large for a ConfigMap", "put it into the image (COPY), or into a named volume");
    return {};
  }
  std::string what() const { return "the bind mount of " + mount_.source; }
  void warn(const std::string& message, const std::string& help) {
    scope_.warn(service_, place(), what() + ": on Kubernetes " + message, help);
  }
  void refuse(const std::string& why, const std::string& help) {
    scope_.refuse(service_, place(), what() + " is not supported on Kubernetes: " + why, help);
  }
  compose::Strings place() const {
    const auto& volumes = file_of(scope_, service_).volumes;
    const auto found = std::ranges::find(volumes, mount_.target, &compose::Mount::target);
    return {"volumes", std::to_string(found - volumes.begin())};
  }

  const Scope& scope_;
  const project::DesiredService& service_;
  const compose::Mount& mount_;
  std::string volume_;
};

}  // namespace

bool is_in_image(const compose::Service& service, const compose::Mount& mount) {
  if (mount.type != compose::MountType::bind || !service.build || service.build->context.empty()) return false;
  const auto status = stat_path(mount.source);
  const std::string& context = service.build->context;
  return status && S_ISDIR(status->st_mode) && (is_within(mount.source, context) || is_within(context, mount.source));
}

Result<> add_bind(const Scope& scope, const project::DesiredService& service, const compose::Mount& mount,
                  std::size_t number, Pod& pod) {
  return Bind(scope, service, mount, number).add(pod);
}

}  // namespace consort::kube
