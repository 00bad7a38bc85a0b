// Firewall::open_by_programs() for an event loop. It runs in a child process, since programs of other firewalls take
// hundreds of milliseconds, and seconds if they hang. One run at a time; requests during a run cause one more run after
// it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/os/loop/event_loop.hpp"
#include "base/os/processes/process.hpp"
#include "network/nft/host_programs.hpp"

namespace consort {

class ForeignOpener {
 public:
  // report: receives a line for a log. The process must be single-threaded.
  ForeignOpener(EventLoop& loop, HostPrograms programs, std::function<void(const std::string&)> report)
      : loop_(loop), programs_(std::move(programs)), report_(std::move(report)) {}
  ~ForeignOpener() { end_child(); }  // also ends the program that the child waits for
  ForeignOpener(const ForeignOpener&) = delete;
  ForeignOpener& operator=(const ForeignOpener&) = delete;

  // Replaces a request that has not started yet.
  void open_for(std::vector<std::string> bridges);

 private:
  Result<> begin();
  void on_end();
  void end_child();

  EventLoop& loop_;
  HostPrograms programs_;
  std::function<void(const std::string&)> report_;
  std::vector<std::string> wanted_;
  ChildGuard child_;
  Fd ended_, said_;
  EventLoop::Token watch_ = 0, deadline_ = 0;
};

}  // namespace consort
