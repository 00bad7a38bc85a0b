#include "supervisor/keeper/store.hpp"

#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace consort::keeper {
namespace {

// Doubles the capacity when it is used up. Returns false if out of memory.
template <typename Entry>
bool make_room(Entry*& entries, int count, int& capacity) {
  if (count < capacity) return true;
  const int wanted = capacity == 0 ? 16 : capacity * 2;
  void* grown = std::realloc(static_cast<void*>(entries), sizeof(Entry) * static_cast<std::size_t>(wanted));
  if (grown == nullptr) return false;
  entries = static_cast<Entry*>(grown);
  capacity = wanted;
  return true;
}

}  // namespace

FdStore::~FdStore() {
  while (count_ > 0) drop(count_ - 1);
  std::free(entries_);
}

bool FdStore::put(const char* name, int fd) {
  for (int i = 0; i < count_; ++i) {
    if (std::strcmp(entries_[i].name, name) != 0) continue;
    ::close(entries_[i].fd);
    entries_[i].fd = fd;
    return true;
  }
  if (!make_room(entries_, count_, capacity_)) {
    ::close(fd);
    return false;
  }
  StoredFd& entry = entries_[count_++];
  std::strncpy(entry.name, name, sizeof entry.name - 1);
  entry.name[sizeof entry.name - 1] = '\0';
  entry.fd = fd;
  return true;
}

void FdStore::remove(const char* pattern) {
  const std::size_t length = std::strlen(pattern);
  const bool prefix = length > 0 && pattern[length - 1] == '*';
  for (int i = count_ - 1; i >= 0; --i) {
    const bool matches =
        prefix ? std::strncmp(entries_[i].name, pattern, length - 1) == 0 : std::strcmp(entries_[i].name, pattern) == 0;
    if (matches) drop(i);
  }
}

void FdStore::drop(int index) {
  ::close(entries_[index].fd);
  entries_[index] = entries_[--count_];
}

bool FdStore::holds_of_a_container() const {
  for (int i = 0; i < count_; ++i)
    if (std::strchr(entries_[i].name, '/') != nullptr) return true;
  return false;
}

ExitList::~ExitList() {
  std::free(entries_);
}

bool ExitList::add(pid_t pid, int status) {
  if (!make_room(entries_, count_, capacity_)) return false;
  entries_[count_++] = Exit{pid, status, false};
  return true;
}

void ExitList::acknowledge(pid_t pid) {
  for (int i = 0; i < count_; ++i) {
    if (entries_[i].pid != pid) continue;
    // The others keep their order: exits are reported in the order in which they happened.
    std::memmove(&entries_[i], &entries_[i + 1], sizeof(Exit) * static_cast<std::size_t>(count_ - i - 1));
    --count_;
    return;
  }
}

void ExitList::mark_all_unsent() {
  for (int i = 0; i < count_; ++i) entries_[i].sent = false;
}

Exit* ExitList::next_unsent() {
  for (int i = 0; i < count_; ++i)
    if (!entries_[i].sent) return &entries_[i];
  return nullptr;
}

}  // namespace consort::keeper
