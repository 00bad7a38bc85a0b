#include "build/exec/stage_files.hpp"

#include <fcntl.h>

#include "runtime/overlay.hpp"

namespace consort::build {
namespace {

runtime::OverlayRoot overlay_of(const Layers& layers) {
  runtime::OverlayRoot overlay;
  overlay.lower.assign(layers.directories.rbegin(), layers.directories.rend());
  overlay.sync = runtime::OverlaySync::never;
  return overlay;
}

}  // namespace

Result<Fd> open_merged(const Layers& layers, const std::string& scratch) {
  if (layers.directories.empty()) return open_file(scratch, O_RDONLY | O_DIRECTORY);
  if (layers.directories.size() == 1) return open_file(layers.directories.front(), O_RDONLY | O_DIRECTORY);
  return runtime::mount_detached(overlay_of(layers), scratch);
}

Result<Fd> open_merged(const Layers& layers, const image::LayerDraft& draft) {
  if (layers.directories.empty()) return open_file(draft.directory(), O_RDONLY | O_DIRECTORY);
  runtime::OverlayRoot overlay = overlay_of(layers);
  overlay.upper = draft.directory();
  overlay.work = draft.work();
  return runtime::mount_detached(overlay, draft.work());
}

}  // namespace consort::build
