#include "image/registry/layer_fetch.hpp"

#include <atomic>
#include <thread>

#include "image/registry/download.hpp"
#include "image/tar/layer_import.hpp"

namespace consort::image {

Result<LayerInfo> fetch_layer(Store& store, Registry& registry, const Descriptor& layer, const Digest& diff_id,
                              const FetchContext& context) {
  const std::string id = layer.digest.short_hex();
  auto download = TRY(Download::begin(store, layer, context.cancel));
  Result<LayerInfo> unpacked = fail(Code::internal, "unpack");
  std::atomic<bool> downloaded{download->complete()};
  std::jthread unpacker([&] {
    LayerImport wanted;
    wanted.expected_diff_id = diff_id;
    wanted.blob = layer.digest;
    wanted.limits = context.limits;
    wanted.cancel = context.cancel;
    wanted.on_bytes = [&](std::uint64_t bytes) {
      if (downloaded) context.report.bytes(id, Phase::extracting, bytes, 0);
    };
    unpacked = import_layer(store, download->reader(), wanted);
    if (!unpacked) download->abandon();
  });
  Result<> transferred = download->run(
      registry, [&](std::uint64_t bytes) { context.report.bytes(id, Phase::downloading, bytes, layer.size); },
      [&](const std::string& why) { context.report(id, Phase::retrying, 0, 0, why); });
  downloaded = true;
  unpacker.join();
  // The next attempt must not continue a layer that cannot be correct.
  if (!unpacked && unpacked.error().code() == Code::invalid) download->discard();
  // A failure of either side makes the other one fail with "interrupted": report the cause.
  if (!transferred && (unpacked || unpacked.error().code() == Code::interrupted))
    return fail(std::move(transferred).error());
  return unpacked;
}

}  // namespace consort::image
