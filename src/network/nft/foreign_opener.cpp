#include "network/nft/foreign_opener.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "network/firewall.hpp"

namespace consort {

namespace {

constexpr int longest_report = 4096;  // as much as fits into a pipe that is not being read
// One run of firewall-cmd for all bridges and one for each refused bridge, or the runs of iptables.
constexpr int runs_waited_for = 3;

// Runs in a fork of a single-threaded program. First closes all other inherited descriptors.
[[noreturn]] void open_in_child(int report, const HostPrograms& programs, const std::vector<std::string>& bridges) {
  constexpr int place = 3;
  ::setpgid(0, 0);
  ::prctl(PR_SET_NAME, "consort-open");
  ::dup2(report, place);
  ::syscall(SYS_close_range, place + 1u, ~0u, 0u);
  Result<> opened;
  if (Result<Firewall> firewall = Firewall::open(programs); firewall)
    opened = firewall->open_by_programs(bridges);
  else
    opened = fail(std::move(firewall).error());
  if (opened) ::_exit(0);
  const std::string text = opened.error().message().substr(0, longest_report);
  (void)!::write(place, text.data(), text.size());
  ::_exit(1);
}

}  // namespace

void ForeignOpener::open_for(std::vector<std::string> bridges) {
  wanted_ = std::move(bridges);
  if (child_.pid() > 0 || wanted_.empty()) return;
  if (const Result<> begun = begin(); !begun) report_(begun.error().message());
}

Result<> ForeignOpener::begin() {
  const std::vector<std::string> bridges = std::exchange(wanted_, {});
  Pipe report = TRY(make_pipe());
  TRY(set_nonblocking(report.read.get()));
  const pid_t pid = ::fork();
  if (pid < 0) return fail_errno("fork");
  if (pid == 0) open_in_child(report.write.get(), programs_, bridges);
  ::setpgid(pid, pid);  // in parent and child, whichever runs first
  child_ = ChildGuard(pid);
  said_ = std::move(report.read);
  const auto watch_end = [&]() -> Result<> {
    ended_ = TRY(open_pidfd(pid));
    watch_ = TRY(loop_.add(ended_.get(), EPOLLIN, [this](std::uint32_t) { on_end(); }));
    return {};
  };
  if (Result<> watched = watch_end(); !watched) {
    end_child();
    return watched;
  }
  // The child has its own deadlines; this covers a child that cannot even keep those.
  deadline_ = loop_.after(runs_waited_for * programs_.patience, [this, pid] {
    deadline_ = 0;
    (void)::kill(-pid, SIGKILL);
  });
  return {};
}

void ForeignOpener::on_end() {
  const Result<ExitStatus> status = child_.wait();
  std::array<char, longest_report> text;
  const ssize_t size = ::read(said_.get(), text.data(), text.size());
  if (size > 0)
    report_(std::string(text.data(), static_cast<std::size_t>(size)));
  else if (!status || !status->success())
    report_("let bridges pass the host's firewall: no answer");
  end_child();
  open_for(std::exchange(wanted_, {}));
}

void ForeignOpener::end_child() {
  loop_.remove(std::exchange(watch_, 0));
  loop_.cancel(std::exchange(deadline_, 0));
  if (child_.pid() > 0) (void)::kill(-child_.pid(), SIGKILL);
  child_ = ChildGuard();
  ended_.reset();
  said_.reset();
}

}  // namespace consort
