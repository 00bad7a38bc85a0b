#include "image/registry/download.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

#include "base/os/files/file.hpp"
#include "base/os/files/has_name.hpp"
#include "base/os/files/lock_holder.hpp"
#include "image/store/store_state.hpp"

namespace consort::image {

namespace {
constexpr std::chrono::milliseconds lock_pause{30};
}

Result<std::unique_ptr<Download>> Download::begin(const Store& store, const Descriptor& blob, std::stop_token cancel) {
  std::unique_ptr<Download> download(new Download(store, blob, std::move(cancel)));
  download->path_ = store.state().ingest() + "/" + blob.digest.hex();
  HolderWatch holder(download->path_);
  for (;;) {
    if (store.has_blob(blob.digest)) {
      download->complete_ = true;
      download->file_ = TRY(open_file(store.blob_path(blob.digest), O_RDONLY));
      download->available_ = blob.size;
      download->state_ = State::done;
      return download;
    }
    if (TRY(download->take_file())) break;
    TRY_WRAP(holder.look(), "download", blob.digest.text());
    // flock cannot be both waited for and cancelled.
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any wake;
    wake.wait_for(lock, download->cancel_, lock_pause, [] { return false; });
    if (download->cancel_.stop_requested()) return fail(Code::interrupted, "download");
  }
  TRY(download->hash_what_is_there());
  return download;
}

// Returns false while another process holds it.
Result<bool> Download::take_file() {
  file_ = TRY(open_file(path_, O_RDWR | O_CREAT, 0600));
  if (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK || errno == EINTR) return false;
    return fail_errno("lock", path_);
  }
  // It may have been renamed or removed between our open and our lock.
  return has_name(file_.get(), path_);
}

Result<> Download::hash_what_is_there() {
  std::vector<std::byte> buffer(1 << 20);
  for (;;) {
    const std::size_t got = TRY(read_some(file_.get(), buffer));
    if (got == 0) break;
    hash_.update(std::span(buffer).first(got));
    available_ += got;
  }
  if (available_ > blob_.size) {  // not our file, or the manifest is wrong
    if (::ftruncate(file_.get(), 0) != 0 || ::lseek(file_.get(), 0, SEEK_SET) != 0) return fail_errno("empty", path_);
    hash_ = Sha256();
    available_ = 0;
  }
  return {};
}

Result<> Download::append(std::span<const std::byte> bytes) {
  if (cancel_.stop_requested()) return fail(Code::interrupted, "download");
  if (Result<> written = write_full(file_.get(), bytes); !written) {
    return fail(std::move(written).error().wrap("write", path_).wrap("download", blob_.digest.text()));
  }
  hash_.update(bytes);
  const std::scoped_lock lock(mutex_);
  if (abandoned_) return fail(Code::interrupted, "download");
  available_ += bytes.size();
  wake_.notify_all();
  return {};
}

Result<> Download::run(Registry& registry, const std::function<void(std::uint64_t)>& on_bytes,
                       const Registry::OnRetry& on_retry) {
  Result<> result = complete_ ? Result<>() : transfer(registry, on_bytes, on_retry);
  // Received data is kept for the next attempt, unless it fills the disk or cannot be correct.
  const bool full = !result && (result.error().sys_errno() == ENOSPC || result.error().sys_errno() == EDQUOT);
  if (full || (!result && result.error().code() == Code::invalid)) discard();
  const std::scoped_lock lock(mutex_);
  state_ = result ? State::done : State::failed;
  wake_.notify_all();
  return result;
}

Result<> Download::transfer(Registry& registry, const std::function<void(std::uint64_t)>& on_bytes,
                            const Registry::OnRetry& on_retry) {
  if (on_bytes) on_bytes(available_);
  // A server that closes the connection in order, but too early, is asked again, like one that breaks it.
  constexpr int max_short_answers = 3;
  for (int round = 0; available_ < blob_.size; ++round) {
    const std::uint64_t before = available_;
    const auto sink = [&](std::span<const std::byte> bytes) -> Result<> {
      TRY(append(bytes));
      if (on_bytes) on_bytes(available_);
      return {};
    };
    TRY(registry.blob({blob_.digest, blob_.size, available_}, sink, on_retry));
    if (available_ == before || round >= max_short_answers)
      return fail(Error(Code::invalid, "download")
                      .on(blob_.digest.text())
                      .why("the registry sends only " + std::to_string(available_) + " of the " +
                           std::to_string(blob_.size) + " bytes that the manifest declares"));
  }
  return finish();
}

Result<> Download::finish() {
  const Digest actual = Digest::from_hex(hash_.finish());
  if (actual != blob_.digest)
    return fail(Error(Code::invalid, "verify download")
                    .on(blob_.digest.text())
                    .why("the content has the digest " + actual.text())
                    .hint("the registry, a mirror or a proxy is modifying the content"));
  if (::fchmod(file_.get(), 0400) != 0) return fail_errno("set mode of", path_);
  return rename_path(path_, store_.blob_path(blob_.digest));
}

ByteSource Download::reader() {
  return [this, at = std::uint64_t{0}](std::span<std::byte> into) mutable -> Result<std::size_t> {
    std::uint64_t ready = 0;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return available_ > at || state_ != State::running; });
      if (state_ == State::failed) return fail(Code::interrupted, "download");
      ready = available_;
    }
    if (at >= ready) return 0;
    const std::size_t want = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), ready - at));
    ssize_t got;
    do got = ::pread(file_.get(), into.data(), want, static_cast<off_t>(at));
    while (got < 0 && errno == EINTR);
    if (got < 0) return fail_errno("read", path_);
    at += static_cast<std::uint64_t>(got);
    return static_cast<std::size_t>(got);
  };
}

void Download::discard() {
  if (!complete_) ::unlink(path_.c_str());  // fails if it has been renamed to blobs/
}

void Download::abandon() {
  const std::scoped_lock lock(mutex_);
  abandoned_ = true;
}

}  // namespace consort::image
