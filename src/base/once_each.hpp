// Work that several threads need and that only one of them does.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/error.hpp"

namespace consort {

// Work is identified by a key; its result is kept for the lifetime of this object. Any thread.
template <typename Value>
class OnceEach {
 public:
  // The first caller with a key does the work; the others wait for the result. If it fails, they get Code::interrupted,
  // because the first caller already reports the actual error.
  Result<Value> once(const std::string& key, const std::function<Result<Value>()>& work) {
    std::unique_lock lock(mutex_);
    const auto [found, first] = entries_.try_emplace(key);
    Entry& entry = found->second;
    if (!first) {
      changed_.wait(lock, [&] { return entry.ended; });
      if (!entry.made) return fail(Code::interrupted, "wait for another's work");
      return *entry.made;
    }
    lock.unlock();
    Result<Value> made = work();
    lock.lock();
    entry.ended = true;
    if (made) entry.made = *made;
    changed_.notify_all();
    return made;
  }

 private:
  struct Entry {
    bool ended = false;
    std::optional<Value> made;  // ended but empty: the work failed
  };
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Entry> entries_;
};

}  // namespace consort
