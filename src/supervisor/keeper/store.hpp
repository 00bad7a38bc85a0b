// The keeper's memory: named descriptors and unacknowledged exits. Plain arrays that grow, without the C++ library.
#pragma once

#include "supervisor/keeper/protocol.hpp"

namespace consort::keeper {

struct StoredFd {
  char name[sizeof(Message::name)];
  int fd;
};

class FdStore {
 public:
  FdStore() = default;
  FdStore(const FdStore&) = delete;
  FdStore& operator=(const FdStore&) = delete;
  ~FdStore();

  // Takes ownership of fd. An older one of the same name is closed. False if out of memory (fd is then closed).
  bool put(const char* name, int fd);
  void remove(const char* pattern);
  int size() const { return count_; }
  const StoredFd& at(int index) const { return entries_[index]; }
  bool holds_of_a_container() const;  // "ID/PART"; names of the project's own descriptors have no slash

 private:
  void drop(int index);
  StoredFd* entries_ = nullptr;
  int count_ = 0;
  int capacity_ = 0;
};

struct Exit {
  pid_t pid;
  int status;
  bool sent;  // to the current supervisor
};

class ExitList {
 public:
  ExitList() = default;
  ExitList(const ExitList&) = delete;
  ExitList& operator=(const ExitList&) = delete;
  ~ExitList();

  bool add(pid_t pid, int status);
  void acknowledge(pid_t pid);
  void mark_all_unsent();
  Exit* next_unsent();
  int size() const { return count_; }

 private:
  Exit* entries_ = nullptr;
  int count_ = 0;
  int capacity_ = 0;
};

}  // namespace consort::keeper
