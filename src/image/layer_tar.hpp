// Converts between the two forms of a layer: an OCI tar (".wh." whiteouts) and a directory in overlayfs's form.
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

// Returns up to into.size() bytes, 0 at the end.
using ByteSource = std::function<Result<std::size_t>(std::span<std::byte> into)>;
using ByteSink = std::function<Result<>(std::span<const std::byte> bytes)>;

// The descriptors are borrowed. Waiting for the other end of a pipe can be cancelled: Code::interrupted.
ByteSource source_of_fd(int fd, const std::stop_token& cancel = {});
ByteSink sink_of_fd(int fd, const std::stop_token& cancel = {});
// Recognises gzip, zstd and plain data by the first bytes. Code::invalid if the data is damaged or truncated.
ByteSource decompressed(ByteSource packed);

struct UnpackLimits {
  std::uint64_t max_bytes = std::uint64_t{64} << 30;  // of the tar; more is Code::invalid
  std::uint64_t max_entries = 4'000'000;
};
struct UnpackOptions {
  UnpackLimits limits;
  // plain: the tar is not a layer. ".wh." is an ordinary name, and the target directory of a dangling link is created
  // if something is to be unpacked into it.
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

// Unpacks an untrusted tar into a directory and touches nothing outside it: names are resolved as if the directory were
// "/", symbolic links cannot lead out, hard links only refer to files from the tar itself. Names with ".." and hard
// links out of the directory are Code::invalid. Reads the source to its end.
Result<UnpackReport> unpack_layer(const ByteSource& tar, const std::string& directory, const UnpackOptions& options);

// Writes the directory as a deterministic tar: sorted by name, pax records where ustar does not suffice, times in whole
// seconds, numeric owners. Skips sockets. Returns the bytes of regular files.
struct PackOptions {
  enum class Whiteouts : std::uint8_t { oci, none } whiteouts = Whiteouts::oci;
  std::stop_token cancel;
  std::vector<std::string> leave_out;  // paths inside the directory, "etc/hosts"
};
Result<std::uint64_t> pack_layer(const std::string& directory, const ByteSink& tar, const PackOptions& options = {});

// The same for one entry of a directory (borrowed) of any type; for a link, the link itself, not its target. Names in
// the tar begin with `as`.
Result<> pack_entry(int directory, const std::string& name, const std::string& as, const ByteSink& tar,
                    const PackOptions& options = {});

}  // namespace consort::image
