// Firewall::open_by_programs() for an event loop: in a child, since programs of other firewalls take hundreds of
// milliseconds, and seconds when they hang. One at a time; what is wished for meanwhile is one more run after it.
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
  // report: a line for a log. The process must have one thread.
  ForeignOpener(EventLoop& loop, HostPrograms programs, std::function<void(const std::string&)> report)
      : loop_(loop), programs_(std::move(programs)), report_(std::move(report)) {}
  ~ForeignOpener() { end_child(); }  // with the program that it waits for
  ForeignOpener(const ForeignOpener&) = delete;
  ForeignOpener& operator=(const ForeignOpener&) = delete;

  // Instead of what was wished for and has not begun.
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
