#include "image/internal/layer_import.hpp"

#include <cerrno>

#include "base/sha256.hpp"

namespace consort::image {

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
    if (report.error().sys_errno() == ENOSPC || report.error().sys_errno() == EDQUOT)
      report.error().data().hint = "the disk is full: `consort image prune` shows what could go";
    return fail(std::move(report).error());
  }
  const Digest diff_id = Digest::from_hex(hash.finish());
  if (wanted.expected_diff_id && diff_id != *wanted.expected_diff_id)
    return fail(Error(Code::invalid, "verify layer")
                    .why("its content has the digest " + diff_id.text() + ", but the image's configuration names " +
                         wanted.expected_diff_id->text()));
  return store.commit_unpacked(std::move(draft), diff_id, wanted.blob, report->bytes);
}

}  // namespace consort::image
