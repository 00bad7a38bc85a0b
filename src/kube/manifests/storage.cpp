// Volumes: a claim for each named volume, memory for tmpfs, and filling an empty claim from the image.
#include <algorithm>

#include "base/size.hpp"
#include "base/strings.hpp"
#include "kube/manifests/parts.hpp"

namespace consort::kube {

namespace {

constexpr const char* default_size = "1Gi";
constexpr const char* one_node = "ReadWriteOnce";  // also begins ReadWriteOncePod
// A new file system has a lost+found directory, which programs mistake for data; so they get a directory next to it.
constexpr std::string_view data_directory = "data";
constexpr const char* fill_mark = ".consort-filling";
// fill FROM TO MARK. Pods may share a claim, and once it is filled it contains a program's data. So one pod fills it,
// and the others wait. The mark contains the name of the filling pod, and is updated while that pod works. A mark that
// has not changed for half a minute belongs to a pod that was removed; what it left behind is not treated as data. If
// several pods find such a mark, the one whose name is in it a moment later continues.
constexpr const char* fill_function = R"sh(fill() (
  seen= quiet=0
  [ -d "$1" ] || exit 0
  while :; do
    if [ ! -e "$3" ]; then
      [ -z "$(ls -A "$2")" ] || exit 0
      if mkdir "$3"; then
        [ -n "$(ls -A "$2")" ] || break
        rmdir "$3"
        exit 0
      fi
    fi
    now=$(cat "$3/owner" 2>/dev/null)
    case $now in "$CONSORT_POD "*) break ;; esac
    [ "$now" = "$seen" ] || { [ -z "$now" ] || echo "waiting for pod ${now% *}, which fills $1"; seen=$now quiet=0; }
    if [ "$quiet" -ge 30 ]; then
      [ -d "$3" ] || rm -f "$3"
      mkdir -p "$3" && echo "$CONSORT_POD 0" > "$3/owner" || exit 1
      quiet=0
      sleep 3
    else
      quiet=$((quiet + 1))
      sleep 1
    fi
  done
  echo "$CONSORT_POD 1" > "$3/owner" || exit 1
  (n=1; while sleep 2; do echo "$CONSORT_POD $((n += 1))" > "$3/owner"; done) > /dev/null 2>&1 &
  cp -a "$1/." "$2/"
  code=$?
  kill $!
  wait $!
  [ "$code" = 0 ] && rm -rf "$3"
)
)sh";

std::string extension(const compose::Extensions& extensions, const char* key) {
  const auto found = extensions.find(key);
  return found == extensions.end() ? "" : found->second.scalar_text();
}

// Converts a size in Docker's notation ("20g"); "20Gi" stays as it is.
std::string size_text(std::string text) {
  if (text.empty()) return default_size;
  const char unit = text.back();
  const auto is = [unit](char small, char large) { return unit == small || unit == large; };
  if (is('b', 'B')) text.pop_back();
  if (text.empty()) return default_size;
  const std::string number = text.substr(0, text.size() - 1);
  for (const auto& [letter, there] :
       {std::pair('k', "Ki"), std::pair('m', "Mi"), std::pair('g', "Gi"), std::pair('t', "Ti")})
    if (to_lower(text).back() == letter) return number + there;
  return text;
}

std::string access_mode(const compose::Volume& volume) {
  const std::string mode = extension(volume.extensions, "x-access-mode");
  return mode.empty() ? one_node : mode;
}

// True if the service's container or one of its pre_start hooks mounts the volume.
bool has_volume(const Scope& scope, const compose::Service& file, const compose::Volume& volume) {
  const auto has = [&](const compose::Service& container) {
    return std::ranges::any_of(container.volumes, [&](const compose::Mount& each) {
      const auto of_file = scope.desired.volumes.find(each.source);
      return each.type == compose::MountType::volume && of_file != scope.desired.volumes.end() &&
             of_file->second.name == volume.name;
    });
  };
  return has(file) ||
         std::ranges::any_of(file.pre_start, [&](const compose::PreStartHook& hook) { return has(hook.container); });
}

// If more than one pod uses it, the second may wait forever on a cluster that schedules it on another node.
void warn_of_one_node(const Scope& scope, const compose::Volume& volume) {
  const std::string mode = access_mode(volume);
  if (!mode.starts_with(one_node)) return;
  std::string names;
  std::size_t users = 0;
  const auto count = [&](const compose::Service& file, std::size_t pods) {
    if (pods == 0 || !has_volume(scope, file, volume)) return;
    names += (names.empty() ? "" : ", ") + file.name;
    users += pods;
  };
  for (const project::DesiredService& service : scope.desired.services) {
    const compose::Service& file = file_of(scope, service);
    count(file, runs_on_each_node(file) ? 2 : service.replicas);
  }
  for (const auto& [name, job] : scope.project.jobs) count(job, is_scheduled(job) ? 1 : 0);
  if (users > 1)
    scope.warn_at(volume.mark,
                  "volume \"" + volume.name + "\" can only be mounted by " +
                      (mode == one_node ? "the pods of one node" : "one pod") + ", but is used by " + names,
                  "set x-access-mode: ReadWriteMany if the storage class supports it");
}

Json claim_of(const Scope& scope, const compose::Volume& volume) {
  const auto size = volume.driver_opts.find("size");
  const std::string wanted =
      size_text(size != volume.driver_opts.end() ? size->second : extension(volume.extensions, "x-size"));
  const std::string name = object_name(volume.name);
  Json meta = metadata(scope, name, "");
  for (const auto& [key, value] : volume.labels) {
    if (is_annotation_key(key)) {
      meta["annotations"][key] = value;
    } else {
      scope.warn_at(volume.mark, "label \"" + key + "\" of volume \"" + volume.name + "\" is left out on Kubernetes",
                    "a key there is [PREFIX/]NAME, of letters, digits, '-', '_' and '.'");
    }
  }
  Json spec{{"accessModes", Json::array({access_mode(volume)})},
            {"resources", Json{{"requests", Json{{"storage", wanted}}}}}};
  if (const std::string storage_class = extension(volume.extensions, "x-class"); !storage_class.empty())
    spec["storageClassName"] = storage_class;
  return Json{{"apiVersion", "v1"}, {"kind", "PersistentVolumeClaim"}, {"metadata", meta}, {"spec", spec}};
}

Json memory(std::int64_t size) {
  Json made{{"medium", "Memory"}};
  if (size > 0) made["sizeLimit"] = std::to_string(size);
  return made;
}

// Runs before the pod's own container, from the same image. It runs as root, so that owners stay as they are in the
// image.
Json filler(const Pod& pod, const Json& mounts, const std::string& script) {
  return Json{
      {"name", "fill-volumes"},
      {"image", pod.container.at("image")},
      {"command", Json::array({"sh", "-c", script})},
      // The pod's name identifies it: host names may differ from it, and several pods may share one.
      {"env", Json::array({Json{
                  {"name", "CONSORT_POD"},
                  {"valueFrom", Json{{"fieldRef", Json{{"apiVersion", "v1"}, {"fieldPath", "metadata.name"}}}}}}})},
      {"securityContext", Json{{"runAsUser", 0}}},
      {"volumeMounts", mounts}};
}

class Mounts {
 public:
  Mounts(const Scope& scope, const project::DesiredService& service, Pod& pod)
      : scope_(scope), service_(service), pod_(pod) {}

  Result<> add(const project::DesiredMount& mount) {
    const std::size_t number = count_++;
    using enum compose::MountType;
    if (mount.how.type == bind) return add_bind(scope_, service_, mount.how, number, pod_);
    if (mount.how.type == tmpfs) {
      add_volume(pod_, Json{{"name", name(number)}, {"emptyDir", memory(mount.how.tmpfs ? mount.how.tmpfs->size : 0)}},
                 Json{{"mountPath", mount.how.target}});
      return {};
    }
    if (mount.how.type != volume) return {};  // already refused by the table of attributes
    mount.how.source.empty() ? anonymous(mount, number) : named(mount);
    return {};
  }

  void finish() {
    if (script_.empty()) return;
    pod_.spec["initContainers"].push_back(filler(pod_, fill_mounts_, fill_function + script_));
  }

 private:
  static std::string name(std::size_t number) { return "mount-" + std::to_string(number); }

  void anonymous(const project::DesiredMount& mount, std::size_t number) {
    scope_.warn(service_, {"volumes"},
                "the volume at " + mount.how.target + " has no name: on Kubernetes it goes with its pod",
                "give it a name to keep its data");
    const bool copies = !mount.how.volume || !mount.how.volume->nocopy;
    Json where{{"mountPath", mount.how.target}};
    if (copies) where["subPath"] = data_directory;
    add_volume(pod_, Json{{"name", name(number)}, {"emptyDir", Json::object()}}, std::move(where));
    fill(name(number), std::string(data_directory), mount.how);
  }

  void named(const project::DesiredMount& mount) {
    const std::string claim = object_name(mount.volume_name);
    const std::string volume = "volume-" + object_name(mount.how.source, 7);
    const bool copies = !mount.how.volume || !mount.how.volume->nocopy;
    std::string path(copies ? data_directory : "");
    if (mount.how.volume && !mount.how.volume->subpath.empty())
      path += (path.empty() ? "" : "/") + mount.how.volume->subpath;
    Json where{{"mountPath", mount.how.target}};
    if (!path.empty()) where["subPath"] = path;
    if (mount.how.read_only) where["readOnly"] = true;
    add_volume(pod_, Json{{"name", volume}, {"persistentVolumeClaim", Json{{"claimName", claim}}}}, std::move(where));
    if (copies) fill(volume, path, mount.how);
  }

  void fill(const std::string& volume, const std::string& path, const compose::Mount& how) {
    if (how.volume && how.volume->nocopy) return;
    const std::string there = "/.consort/" + std::to_string(count_of_fills_++), whole = there + ".volume";
    fill_mounts_.push_back(Json{{"name", volume}, {"mountPath", there}, {"subPath", path}});
    fill_mounts_.push_back(Json{{"name", volume}, {"mountPath", whole}});
    // The mark is next to the data; there is one for each directory of the volume.
    std::string mark = whole + "/" + fill_mark + path.substr(std::min(path.size(), data_directory.size()));
    std::replace(mark.begin() + static_cast<std::ptrdiff_t>(whole.size()) + 1, mark.end(), '/', '-');
    if (!script_.empty()) script_ += " &&\n";
    script_ += "fill " + shell_quote(how.target) + " " + there + " " + shell_quote(mark);
  }

  const Scope& scope_;
  const project::DesiredService& service_;
  Pod& pod_;
  std::size_t count_ = 0;
  std::size_t count_of_fills_ = 0;
  std::string script_;
  Json fill_mounts_ = Json::array();
};

// "/run:size=64m,mode=1777"
std::int64_t tmpfs_size(const std::string& options) {
  for (const std::string& option : split(options, ',')) {
    if (!option.starts_with("size=")) continue;
    return parse_size(option.substr(5)).value_or(0);
  }
  return 0;
}

}  // namespace

Result<> add_mounts(const Scope& scope, const project::DesiredService& service, Pod& pod) {
  Mounts mounts(scope, service, pod);
  for (const project::DesiredMount& mount : service.mounts) TRY(mounts.add(mount));
  mounts.finish();
  std::size_t number = 0;
  for (const std::string& entry : service.container.tmpfs) {
    const std::size_t colon = entry.find(':');
    const std::string options = colon == std::string::npos ? "" : entry.substr(colon + 1);
    add_volume(pod, Json{{"name", "tmpfs-" + std::to_string(number++)}, {"emptyDir", memory(tmpfs_size(options))}},
               Json{{"mountPath", entry.substr(0, colon)}});
  }
  if (service.container.shm_size > 0)
    add_volume(pod, Json{{"name", "shm"}, {"emptyDir", memory(service.container.shm_size)}},
               Json{{"mountPath", "/dev/shm"}});
  return {};
}

void add_claims(const Scope& scope) {
  for (const auto& [key, volume] : scope.desired.volumes) {
    if (volume.external) continue;
    scope.add("", claim_of(scope, volume));
    warn_of_one_node(scope, volume);
  }
}

}  // namespace consort::kube
