// A blob on its way into the store: written to ingest/HEX as it comes, which a second thread may read at the same time.
// Bytes that came are kept when the connection or the program breaks off; the next attempt goes on after them. Only
// what has the right size and digest gets its name in blobs/.
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
  // Waits while another process downloads the same blob. If that one finished it, complete() is true.
  static Result<std::unique_ptr<Download>> begin(const Store& store, const Descriptor& blob, std::stop_token cancel);

  bool complete() const { return complete_; }

  // Fetches what is missing, verifies, and gives the blob its name. Wakes the reader in any case.
  Result<> run(Registry& registry, const std::function<void(std::uint64_t)>& on_bytes,
               const Registry::OnRetry& on_retry);

  // For one reader: waits for bytes that have not come yet. When run() failed: Code::interrupted.
  ByteSource reader();
  // The reader gives up: run() ends too, with Code::interrupted.
  void abandon();
  // What came so far is worthless: the next attempt begins at the start. Once run() has ended.
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
