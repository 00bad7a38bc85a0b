// Converts a plain root file system to an image, and back.
#include "base/os/trees/overlay_view.hpp"
#include "base/sha256.hpp"
#include "image/layer_tar.hpp"
#include "image/session.hpp"
#include "image/tar/layer_import.hpp"
#include "image/transfer.hpp"

namespace consort::image {

namespace {

// The digest is that of the tar that we would write, not of the original tar, which is not known to others. Ours can be
// produced again for a push.
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
  const Session keep = TRY(begin_session(store, options.limits.cancel));
  LayerDraft draft = TRY(store.new_layer());
  UnpackOptions unpack;
  unpack.limits = TRY(layer_limits(options.limits));
  unpack.cancel = options.limits.cancel;
  if (progress) unpack.on_bytes = [&progress](std::uint64_t bytes) { progress({"", Phase::extracting, bytes, 0, {}}); };
  (void)TRY_WRAP(unpack_layer(decompressed(source_of_fd(in, options.limits.cancel)), draft.directory(), unpack),
                 "import root file system");
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

Result<> export_rootfs(const std::vector<std::string>& lower, const std::string& upper, int out,
                       std::stop_token cancel) {
  if (lower.empty()) return fail(Code::internal, "export", "no directories");
  PackOptions options;
  options.whiteouts = PackOptions::Whiteouts::none;
  options.cancel = std::move(cancel);
  const ByteSink sink = sink_of_fd(out);
  if (lower.size() == 1 && upper.empty()) {  // overlayfs requires at least two directories
    (void)TRY(pack_layer(lower.front(), sink, options));
    return {};
  }
  std::vector<std::string> directories = lower;
  if (!upper.empty()) directories.insert(directories.begin(), upper);  // as the topmost one, because it is only read
  const Fd view = TRY_WRAP(open_merged(directories, "/tmp/consort-export-XXXXXX"), "export");
  (void)TRY(pack_layer("/proc/self/fd/" + std::to_string(view.get()), sink, options));
  return {};
}

}  // namespace consort::image
