#include "image/tar/layer_import.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "base/os/files/file.hpp"
#include "base/sha256.hpp"
#include "base/size.hpp"
#include "base/strings.hpp"
#include "image/tar/compress.hpp"

namespace consort::image {

namespace {

constexpr const char* limit_variable = "CONSORT_MAX_LAYER_SIZE";

}  // namespace

Result<UnpackLimits> layer_limits(const PullOptions& options) {
  UnpackLimits limits;
  limits.max_entries = options.max_entries;
  const char* wish = std::getenv(limit_variable);
  if (options.max_layer_bytes > 0) {
    limits.max_bytes = options.max_layer_bytes;
  } else if (wish && *wish) {
    const auto bytes = parse_size(trim(wish));
    if (!bytes || *bytes == 0)
      return fail(Error(Code::invalid, "read " + std::string(limit_variable))
                      .on(std::string("\"") + wish + "\"")
                      .why("expected a size such as 500m or 8g"));
    limits.max_bytes = static_cast<std::uint64_t>(*bytes);
  }
  return limits;
}

Result<LayerInfo> import_layer(Store& store, const ByteSource& packed, const LayerImport& wanted) {
  LayerDraft draft = TRY(store.new_layer());
  Sha256 hash;
  const ByteSource plain = decompressed(packed);
  const ByteSource hashed = [&](std::span<std::byte> into) -> Result<std::size_t> {
    const std::size_t got = TRY(plain(into));
    hash.update(into.first(got));
    return got;
  };
  UnpackOptions options;
  options.limits = wanted.limits;
  options.cancel = wanted.cancel;
  options.on_bytes = wanted.on_bytes;
  Result<UnpackReport> report = unpack_layer(hashed, draft.directory(), options);
  if (!report) {
    Error error = std::move(report).error();
    // The error's paths are those of the layer; this one shows which disk is full.
    if (error.sys_errno() == ENOSPC || error.sys_errno() == EDQUOT)
      error = std::move(error).wrap("unpack layer to", draft.directory());
    return fail(std::move(error));
  }
  const Digest diff_id = Digest::from_hex(hash.finish());
  if (wanted.expected_diff_id && diff_id != *wanted.expected_diff_id)
    return fail(Error(Code::invalid, "verify layer")
                    .why("its content has the digest " + diff_id.text() + ", but the image's configuration names " +
                         wanted.expected_diff_id->text()));
  return store.commit_unpacked(std::move(draft), diff_id, wanted.blob, report->bytes);
}

Result<LayerInfo> import_layer_file(Store& store, const std::string& path, const std::optional<Digest>& digest,
                                    const LayerImport& wanted) {
  const Fd fd = TRY(open_file(path, O_RDONLY));
  std::array<std::byte, 4> magic{};
  (void)TRY(read_full(fd.get(), magic));
  if (::lseek(fd.get(), 0, SEEK_SET) != 0) return fail_errno("read", path);
  const bool packed = magic[0] == std::byte{0x1f} || magic[0] == std::byte{0x28};

  // The diff ID is that of a tar which we could not reproduce byte by byte, so its compressed form is kept: as
  // received, or compressed here while it is read.
  Sha256 hash, packed_hash;
  const std::string packed_path = packed ? path : path + ".gz";
  Fd packed_file;
  std::optional<GzipWriter> gzip;
  if (!packed) {
    packed_file = TRY(open_file(packed_path, O_WRONLY | O_CREAT | O_EXCL, 0400));
    gzip = TRY(GzipWriter::create([&](std::span<const std::byte> bytes) -> Result<> {
      packed_hash.update(bytes);
      return write_full(packed_file.get(), bytes);
    }));
  }
  const ByteSource source = [&](std::span<std::byte> into) -> Result<std::size_t> {
    const std::size_t got = TRY(read_some(fd.get(), into));
    hash.update(into.first(got));
    if (gzip) TRY(gzip->write(into.first(got)));
    return got;
  };
  LayerInfo layer = TRY(import_layer(store, source, wanted));
  if (gzip) TRY(gzip->finish());
  const Digest actual = Digest::from_hex(hash.finish());
  if (digest && actual != *digest)
    return fail(Error(Code::invalid, "verify").on(digest->text()).why("its content has the digest " + actual.text()));
  const Digest blob = packed ? actual : Digest::from_hex(packed_hash.finish());
  TRY(rename_path(packed_path, store.blob_path(blob)));
  TRY(store.set_blob(layer.id, blob));
  layer.blob = blob;
  return layer;
}

}  // namespace consort::image
