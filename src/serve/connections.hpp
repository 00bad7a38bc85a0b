// The open connections, each with its thread.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>

#include "base/os/fd.hpp"

namespace consort::serve {

class Service;

class Connections {
 public:
  static constexpr std::size_t most = 512;  // further clients get an error

  explicit Connections(Service& service);
  ~Connections();  // waits for the threads; to avoid that, exit the program instead
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  void add(Fd client);
  std::size_t count() const;
  bool full() const { return count() >= most; }
  int last_gone_fd() const { return last_gone_.get(); }  // readable when the last one has closed
  void acknowledge() const;                              // resets it

 private:
  void serve(Fd client);
  void done();

  Service& service_;
  Fd last_gone_;  // eventfd
  mutable std::mutex mutex_;
  std::condition_variable none_left_;
  std::size_t count_ = 0;
};

}  // namespace consort::serve
