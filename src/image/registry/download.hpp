// Downloads a blob into the store. It is written to ingest/HEX as it arrives, and a second thread may read it
// meanwhile. The bytes are kept if the connection or the program breaks off, and the next attempt resumes after them.
// Only a file of the right size and digest is moved to blobs/.
#pragma once

#include <condition_variable>
#include <mutex>
#include <stop_token>

#include "base/sha256.hpp"
#include "image/registry/manifest.hpp"
#include "image/registry/registry.hpp"
#include "image/store.hpp"

namespace consort::image {

class Download {
 public:
  // Waits while another process downloads the same blob. If that process completed it, complete() is true.
  static Result<std::unique_ptr<Download>> begin(const Store& store, const Descriptor& blob, std::stop_token cancel);

  bool complete() const { return complete_; }

  // Fetches what is missing, verifies it and moves it to blobs/. Wakes the reader in any case.
  Result<> run(Registry& registry, const std::function<void(std::uint64_t)>& on_bytes,
               const Registry::OnRetry& on_retry);

  // For one reader: waits for bytes that have not arrived yet. Code::interrupted if run() failed.
  ByteSource reader();
  // Called when the reader gives up: run() ends too, with Code::interrupted.
  void abandon();
  // Discards the data received so far, so that the next attempt starts from the beginning. Call it after run() has
  // ended.
  void discard();

 private:
  Download(const Store& store, Descriptor blob, std::stop_token cancel)
      : store_(store), blob_(std::move(blob)), cancel_(std::move(cancel)) {}
  Result<bool> take_file();
  Result<> hash_what_is_there();
  Result<> append(std::span<const std::byte> bytes);
  Result<> transfer(Registry& registry, const std::function<void(std::uint64_t)>& on_bytes,
                    const Registry::OnRetry& on_retry);
  Result<> finish();

  const Store& store_;
  Descriptor blob_;
  std::stop_token cancel_;
  std::string path_;
  Fd file_;
  Sha256 hash_;
  bool complete_ = false;

  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::uint64_t available_ = 0;  // bytes in the file
  enum class State : std::uint8_t { running, done, failed } state_ = State::running;
  bool abandoned_ = false;
};

}  // namespace consort::image
