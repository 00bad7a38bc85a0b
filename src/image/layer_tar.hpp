// Between the two forms of a layer: the OCI tar (".wh." whiteouts) and the directory in overlayfs's form.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>

#include "base/error.hpp"

namespace consort::image {

// Gives up to into.size() bytes, 0 at the end.
using ByteSource = std::function<Result<std::size_t>(std::span<std::byte> into)>;
using ByteSink = std::function<Result<>(std::span<const std::byte> bytes)>;

// The descriptors are borrowed. A wait for the other end of a pipe can be cancelled: Code::interrupted.
ByteSource source_of_fd(int fd, const std::stop_token& cancel = {});
ByteSink sink_of_fd(int fd, const std::stop_token& cancel = {});
// Recognises gzip, zstd and plain by their first bytes. Code::invalid if the data is damaged or cut off.
ByteSource decompressed(ByteSource packed);

struct UnpackLimits {
  std::uint64_t max_bytes = std::uint64_t{64} << 30;  // of the tar; more is Code::invalid
  std::uint64_t max_entries = 4'000'000;
};
struct UnpackOptions {
  UnpackLimits limits;
  // plain: what is unpacked is no layer. ".wh." is a name, and a link to nothing gets the directory that it names if
  // something is to go into it.
  enum class Whiteouts : std::uint8_t { overlay, plain } whiteouts = Whiteouts::overlay;
  struct Owner {
    uid_t uid = 0;
    gid_t gid = 0;
  };
  std::optional<Owner> owner;  // of all entries, instead of their own
  std::stop_token cancel;
  std::function<void(std::uint64_t bytes)> on_bytes;  // tar bytes so far
};
struct UnpackReport {
  std::uint64_t bytes = 0;  // of regular files
  std::uint64_t entries = 0;
};

// Unpacks an untrusted tar into a directory. Nothing outside it is touched: names are resolved as if the directory were
// "/", symbolic links cannot lead out, hard links only name what the tar itself put there. Names with ".." or a
// hard link out of the directory are Code::invalid. Reads to the end of the source.
Result<UnpackReport> unpack_layer(const ByteSource& tar, const std::string& directory, const UnpackOptions& options);

// Writes the directory as a deterministic tar: sorted by name, pax records where ustar does not reach, times to
// the second, owners as numbers. Sockets are left out. Gives the bytes of regular files.
struct PackOptions {
  enum class Whiteouts : std::uint8_t { oci, none } whiteouts = Whiteouts::oci;
  std::stop_token cancel;
  std::vector<std::string> leave_out;  // paths inside the directory, "etc/hosts"
};
Result<std::uint64_t> pack_layer(const std::string& directory, const ByteSink& tar, const PackOptions& options = {});

// The same for one entry of a directory (borrowed), whatever it is; a link itself, not what it names. The tar's names
// begin with `as`.
Result<> pack_entry(int folder, const std::string& name, const std::string& as, const ByteSink& tar,
                    const PackOptions& options = {});

}  // namespace consort::image
