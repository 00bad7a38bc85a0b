// Turns a container's changes into a layer.
#include <cerrno>
#include <thread>

#include "base/json.hpp"
#include "base/os/fd.hpp"
#include "image/committed.hpp"
#include "image/session.hpp"
#include "image/tar/layer_import.hpp"

namespace consort::image {

namespace {

// The container may be running and keeps using its directory, so it is copied: packed and unpacked at the same time.
Result<LayerInfo> copy_layer(Store& store, const std::string& upper, const CommitOptions& commit) {
  const PullOptions& limits = commit.limits;
  LayerImport wanted;
  wanted.limits = TRY(layer_limits(limits));
  wanted.cancel = limits.cancel;
  Pipe pipe = TRY(make_pipe());
  Result<std::uint64_t> packed = 0;
  std::jthread packer([&] {
    PackOptions options;
    options.cancel = limits.cancel;
    options.leave_out = commit.leave_out;
    packed = pack_layer(upper, sink_of_fd(pipe.write.get()), options);
    pipe.write.reset();
  });
  Result<LayerInfo> layer = import_layer(store, source_of_fd(pipe.read.get()), wanted);
  pipe.read.reset();  // a packer that still writes gets EPIPE
  packer.join();
  if (!packed) {
    // A layer from half a tar is swept as unused; the packer's failure is the cause to report.
    const bool broken_pipe = packed.error().sys_errno() == EPIPE;
    if (!broken_pipe || layer) return fail(std::move(packed).error());
  }
  return layer;
}

Result<std::string> with_container(const std::string& config, const CommittedContainer& container) {
  if (container.id.empty()) return config;
  Json raw = TRY(parse_json(config, "image configuration"));
  raw["container"] = container.id;
  raw["container_config"] = TRY(parse_json(container.config, "configuration of the container"));
  return dump_json(raw);
}

}  // namespace

Result<Image> commit_container(Store& store, const Image& parent, const std::string& upper,
                               const CommitOptions& options) {
  return commit_container(store, parent, upper, options, {});
}

Result<Image> commit_container(Store& store, const Image& parent, const std::string& upper,
                               const CommitOptions& options, const CommittedContainer& container) {
  const Session keep = TRY(begin_session(store));
  const LayerInfo layer = TRY_WRAP(copy_layer(store, upper, options), "commit container");
  std::vector<std::string> ids;
  for (const LayerInfo& below : TRY(store.layers_of(parent))) ids.push_back(below.id);
  ids.push_back(layer.id);

  ImageConfig config = options.config;
  config.diff_ids.clear();
  for (const std::string& id : ids) config.diff_ids.push_back(TRY_WRAP(store.diff_id(id), "commit container"));
  config.platform = parent.platform;
  config.created = format_rfc3339(system_now());
  HistoryEntry entry;
  entry.created = config.created;
  entry.author = config.author;
  entry.comment = options.comment;
  config.history.push_back(std::move(entry));
  return store.add_image(TRY(with_container(format_config(config), container)), ids, std::nullopt, options.names);
}

}  // namespace consort::image
