// The other side of wait_at_gate(): see foreign.hpp.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "base/os/files/file.hpp"
#include "runtime/foreign.hpp"
#include "runtime/launch/prepare.hpp"
#include "runtime/launch/steps.hpp"

namespace consort::runtime {

namespace {

using internal::Report;
using internal::ReportKind;

std::unexpected<Error> nobody_waits() {
  return fail(Error(Code::conflict, "start container").why("its process has ended"));
}

// Explains the child's failure with the texts from which it was prepared.
Error explain_answer(const Report& report, const Process& process) {
  internal::Prepared plan;
  Process known = process;
  known.env.emplace_back("HOME=/");  // not looked up: the failure may have removed the files
  (void)internal::prepare_process(known, -1, false, plan);
  return internal::explain(plan, report);
}

}  // namespace

Result<> start_at_gate(const std::string& directory, const Process& process) {
  const Fd answer = TRY(open_file(directory + "/answer", O_RDONLY | O_NONBLOCK));
  Result<Fd> gate = open_file(directory + "/gate", O_WRONLY | O_NONBLOCK);
  if (!gate && gate.error().sys_errno() == ENXIO) return nobody_waits();
  if (!gate) return fail(std::move(gate).error().wrap("start container"));
  if (::write(gate->get(), "g", 1) != 1) return errno == EPIPE ? nobody_waits() : fail_errno("start container");
  bool executing = false;
  while (true) {
    pollfd wait{answer.get(), POLLIN, 0};
    if (::poll(&wait, 1, -1) < 0 && errno != EINTR) return fail_errno("wait for container");
    Report report{};
    const ssize_t got = ::read(answer.get(), &report, sizeof report);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (got < 0) return fail_errno("hear from container");
    if (got == 0) return executing ? Result<>() : nobody_waits();
    if (got != ssize_t{sizeof report}) return fail(Code::internal, "hear from container");
    if (report.kind == ReportKind::failed) return fail(explain_answer(report, process));
    executing = executing || report.kind == ReportKind::executing;
  }
}

}  // namespace consort::runtime
