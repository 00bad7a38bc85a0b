#include "image/tar/packed_layer.hpp"

#include <fcntl.h>

#include <array>

#include "base/os/files/file.hpp"
#include "base/sha256.hpp"
#include "image/layer_tar.hpp"
#include "image/store/store_state.hpp"
#include "image/tar/compress.hpp"

namespace consort::image {

namespace {

// A layer from an OCI layout need not be compressed with gzip.
Result<std::string_view> media_type_of(const std::string& path) {
  const Fd fd = TRY(open_file(path, O_RDONLY));
  std::array<std::byte, 4> magic{};
  (void)TRY(read_full(fd.get(), magic));
  if (magic[0] == std::byte{0x1f} && magic[1] == std::byte{0x8b}) return media::docker_layer_gzip;
  if (magic[0] == std::byte{0x28} && magic[1] == std::byte{0xb5}) return media::oci_layer_zstd;
  return media::oci_layer;
}

// Compresses to a new blob. Returns its digest; the layer's own digest is verified on the way.
Result<Digest> pack(Store& store, const LayerInfo& layer, std::stop_token cancel,
                    const std::function<void(std::uint64_t)>& on_bytes) {
  const Digest wanted = TRY(store.diff_id(layer.id));
  const ScratchDirectory work = TRY(store.state().new_work());
  const std::string path = work.path() + "/packed";
  const Fd fd = TRY(open_file(path, O_WRONLY | O_CREAT | O_EXCL, 0400));
  Sha256 packed_hash, plain_hash;
  GzipWriter gzip = TRY(GzipWriter::create([&](std::span<const std::byte> bytes) -> Result<> {
    packed_hash.update(bytes);
    return write_full(fd.get(), bytes);
  }));
  std::uint64_t done = 0;
  PackOptions options;
  options.cancel = std::move(cancel);
  (void)TRY(pack_layer(
      layer.directory,
      [&](std::span<const std::byte> bytes) -> Result<> {
        plain_hash.update(bytes);
        done += bytes.size();
        if (on_bytes) on_bytes(done);
        return gzip.write(bytes);
      },
      options));
  TRY(gzip.finish());
  if (Digest::from_hex(plain_hash.finish()) != wanted)
    return fail(Error(Code::io, "pack layer")
                    .on(layer.id)
                    .why("its files no longer give the digest that the image's configuration names")
                    .hint("pull or build the image again"));
  Digest digest = Digest::from_hex(packed_hash.finish());
  TRY(rename_path(path, store.blob_path(digest)));
  TRY(store.set_blob(layer.id, digest));
  return digest;
}

}  // namespace

Result<Descriptor> packed_layer(Store& store, const LayerInfo& layer, std::stop_token cancel,
                                const std::function<void(std::uint64_t)>& on_bytes) {
  Digest digest = layer.blob && store.has_blob(*layer.blob)
                      ? *layer.blob
                      : TRY_WRAP(pack(store, layer, std::move(cancel), on_bytes), "pack layer");
  const std::string path = store.blob_path(digest);
  const struct stat st = TRY(stat_path(path));
  const std::string_view type = TRY(media_type_of(path));
  return Descriptor{
      std::string(type), std::move(digest), static_cast<std::uint64_t>(st.st_size), {}, {}, {}, false, {}};
}

}  // namespace consort::image
