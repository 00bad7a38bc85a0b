// Images from a plain root file system, and back.
#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/os/file.hpp"
#include "base/sha256.hpp"
#include "base/strings.hpp"
#include "image/internal/layer_import.hpp"
#include "image/layer_tar.hpp"
#include "image/transfer.hpp"

namespace consort::image {

namespace {

// The digest is of the tar that we would write, not of the one that came: nobody else knows that one, and ours can be
// made again at a push.
Result<LayerInfo> commit_repacked(Store& store, LayerDraft draft) {
  Sha256 hash;
  const std::uint64_t size = TRY(pack_layer(draft.directory(), [&](std::span<const std::byte> bytes) -> Result<> {
    hash.update(bytes);
    return {};
  }));
  const Digest diff_id = Digest::from_hex(hash.finish());
  return store.commit_unpacked(std::move(draft), diff_id, std::nullopt, size);
}

}  // namespace

Result<Image> import_rootfs(Store& store, int in, const ImportOptions& options, const Progress& progress) {
  const Session keep = TRY(store.session());
  LayerDraft draft = TRY(store.new_layer());
  UnpackOptions unpack;
  unpack.limits = TRY(layer_limits(options.limits));
  unpack.cancel = options.limits.cancel;
  if (progress) unpack.on_bytes = [&progress](std::uint64_t bytes) { progress({"", Phase::extracting, bytes, 0, {}}); };
  (void)TRY_WRAP(unpack_layer(decompressed(source_of_fd(in)), draft.directory(), unpack), "import root file system");
  const LayerInfo layer = TRY(commit_repacked(store, std::move(draft)));
  TRY(store.flush());

  ImageConfig config = options.config;
  if (config.platform.architecture.empty()) config.platform = Platform::host();
  if (config.created.empty()) config.created = format_rfc3339(system_now());
  if (config.history.empty()) config.history.push_back({config.created, {}, {}, options.comment, false});
  Image image = TRY(store.create_image(std::move(config), {layer.id}, options.names));
  if (progress) progress({"", Phase::finished, 0, 0, image.id});
  return image;
}

namespace {

// A view of the merged folders that nobody else sees: a mount that is never attached. Gives its descriptor. All folders
// are read-only: a container's own is just the topmost of them. "lowerdir+" (kernel 6.8) takes them one by one.
Result<Fd> detached_view(const std::vector<std::string>& folders) {
  const Fd context(::fsopen("overlay", FSOPEN_CLOEXEC));
  if (!context) return fail_errno("prepare overlay");
  for (const std::string& folder : folders)
    if (::fsconfig(context.get(), FSCONFIG_SET_STRING, "lowerdir+", folder.c_str(), 0) != 0)
      return fail_errno("add overlay folder", folder);
  if (::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) return fail_errno("create overlay");
  Fd mount(::fsmount(context.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID));
  if (!mount) return fail_errno("mount overlay");
  return mount;
}

// Older kernels: attached for a moment; the descriptor keeps it alive.
Result<Fd> attached_view(const std::vector<std::string>& folders) {
  std::string place = "/tmp/consort-export-XXXXXX";
  if (!::mkdtemp(place.data())) return fail_errno("create folder", place);
  const std::string options = "lowerdir=" + join(folders, ":");
  Result<Fd> root = Fd();
  if (::mount("overlay", place.c_str(), "overlay", MS_RDONLY | MS_NODEV | MS_NOSUID, options.c_str()) != 0) {
    root = fail_errno("mount overlay", place);
  } else {
    root = open_file(place, O_RDONLY | O_DIRECTORY);
    ::umount2(place.c_str(), MNT_DETACH);
  }
  ::rmdir(place.c_str());
  return root;
}

Result<Fd> merged_view(const std::vector<std::string>& lower, const std::string& upper) {
  std::vector<std::string> folders = lower;
  if (!upper.empty()) folders.insert(folders.begin(), upper);
  Result<Fd> view = detached_view(folders);
  if (!view && (view.error().sys_errno() == EINVAL || view.error().sys_errno() == ENOSYS))
    view = attached_view(folders);
  return view;
}

}  // namespace

Result<> export_rootfs(const std::vector<std::string>& lower, const std::string& upper, int out,
                       std::stop_token cancel) {
  if (lower.empty()) return fail(Code::internal, "export", "no folders");
  PackOptions options;
  options.whiteouts = PackOptions::Whiteouts::none;
  options.cancel = std::move(cancel);
  const ByteSink sink = sink_of_fd(out);
  if (lower.size() == 1 && upper.empty()) {  // overlayfs wants two folders at least
    (void)TRY(pack_layer(lower.front(), sink, options));
    return {};
  }
  const Fd view = TRY_WRAP(merged_view(lower, upper), "export");
  (void)TRY(pack_layer("/proc/self/fd/" + std::to_string(view.get()), sink, options));
  return {};
}

}  // namespace consort::image
