// Turns the child's report into the user's terms, with Docker's texts where people search for them.
#include <sys/resource.h>

#include <cerrno>

#include "base/os/files/file.hpp"
#include "base/os/processes/user_namespace.hpp"
#include "base/strings.hpp"
#include "runtime/defaults.hpp"
#include "runtime/launch/prepare.hpp"
#include "runtime/launch/rootfs.hpp"
#include "runtime/launch/steps.hpp"

namespace consort::runtime {

namespace internal {

namespace {

std::string_view name_of(StepId id) {
  for (const std::span<const Step> table : {container_steps(), exec_steps()})
    for (const Step& step : table)
      if (step.id == id) return step.name;
  return "set up";
}

template <typename List>
const auto* entry(const List& list, int index) {
  return index >= 0 && static_cast<std::size_t>(index) < list.size() ? &list[static_cast<std::size_t>(index)] : nullptr;
}

Error explain_mount(const Prepared& plan, const Report& report) {
  const PreparedMount* mount = entry(plan.mounts, report.argument);
  if (report.error == covers_proc) {
    const bool all = mount && mount->destination == "/proc";
    return Error(Code::invalid, "mount " + (mount ? mount->shown : ""))
        .why(all ? "cannot be mounted because it is not of type proc" : "cannot be mounted because it is inside /proc")
        .hint("it contains the kernel's own files; mount it elsewhere")
        .about(Subject::mount, mount ? mount->destination : "");
  }
  Error error = errno_error(report.error, "mount", mount ? mount->shown : "");
  if (mount) error = std::move(error).about(Subject::mount, mount->destination);
  if (report.error == ENOTDIR || report.error == EISDIR)
    error.data().why =
        "not a directory: Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified "
        "host path exists and is the expected type";
  if (report.error == ENOTDIR || report.error == EISDIR) error.data().sys_errno = 0;
  if (report.error == ENOSPC) error.data().hint = limit_of_mounts;
  if (report.error == ELOOP && mount && mount->refuse_links)
    error.data().hint = "the image has a symbolic link there, which is not allowed";
  return error;
}

std::string program_of(const Prepared& plan) {
  return plan.argument_text.empty() ? "" : plan.argument_text[0];
}

// Docker's texts (Go's exec.LookPath).
Error explain_program(const Prepared& plan, const Report& report) {
  const std::string name = program_of(plan);
  const std::string what = "exec: \"" + name + "\"";
  if (report.error == EISDIR) return Error(Code::denied, what).why("is a directory: permission denied");
  if (report.error == EACCES)
    return Error(Code::denied, what)
        .why("permission denied")
        .hint("it must be executable (chmod +x), and its file system must not be mounted noexec");
  if (report.error == ENOENT && plan.searched_path)
    return Error(Code::not_found, what)
        .why("executable file not found in $PATH")
        .hint("the image has no such program: check the spelling, or install it in the image");
  if (report.error == ENOENT) return Error(Code::not_found, what).why("stat " + name + ": no such file or directory");
  return errno_error(report.error, what);
}

Error explain_execute(const Prepared& plan, const Report& report) {
  const std::string* path = entry(plan.candidates, report.argument);
  Error error = errno_error(report.error, "exec " + (path ? *path : std::string()));
  if (report.error == ENOENT)
    error.data().hint =
        "the file exists, but the interpreter in its first line (or its ELF loader) is not in the image. Scripts with "
        "Windows line endings also fail this way: sed -i 's/\\r$//' FILE fixes them";
  if (report.error == ENOEXEC) {
    error.data().code = Code::denied;
    error.data().hint = "is it a script without a \"#!\" line, or built for another architecture?";
  }
  return error;
}

Error explain_user(const Prepared& plan, const Report& report) {
  if (report.argument < 100) return errno_error(report.error, "drop capability", capability_name(report.argument));
  const std::string who = std::to_string(plan.uid) + ":" + std::to_string(plan.gid);
  Error error = errno_error(report.error, report.argument == 101 ? "set groups" : "change user", who);
  if (report.error == EINVAL && in_user_namespace())
    error = std::move(error)
                .why("this user does not exist in the user namespace")
                .hint("add more IDs for yourself in /etc/subuid and /etc/subgid; `consort doctor` says what to type");
  return std::move(error).about(Subject::user, who);
}

// "asks for 999, and this host allows 64": the kernel only reports EPERM.
Error explain_rlimit(const Rlimit& limit, const Report& report) {
  const std::string name = rlimit_name(limit.resource);
  Error error = errno_error(report.error, "error setting rlimit type", std::to_string(limit.resource))
                    .about(Subject::setting, "ulimits/" + name);
  if (report.error != EPERM) return error;
  const auto shown = [](std::uint64_t value) { return value == RLIM_INFINITY ? "unlimited" : std::to_string(value); };
  rlimit ours{};
  ::getrlimit(static_cast<__rlimit_resource_t>(limit.resource), &ours);
  std::uint64_t most = ours.rlim_max;
  // No process may have more descriptors than that, whatever its privileges.
  if (limit.resource == RLIMIT_NOFILE)
    if (const auto text = read_file("/proc/sys/fs/nr_open"))
      if (const auto number = parse_unsigned(trim(*text)); number && limit.hard > *number) most = *number;
  return std::move(error).hint("ulimits: " + name + " asks for " + shown(limit.hard) + ", and this host allows " +
                               shown(most) + " at most");
}

}  // namespace

Error explain(const Prepared& plan, const Report& report) {
  const auto id = static_cast<StepId>(report.step);
  const std::string what(name_of(id));
  const auto plain = [&](const std::string* object) {
    return errno_error(report.error, what, object ? *object : std::string());
  };
  switch (id) {
    case StepId::mounts:
      return explain_mount(plan, report);
    case StepId::find_program:
      return explain_program(plan, report).about(Subject::program, program_of(plan));
    case StepId::exec:
      return explain_execute(plan, report).about(Subject::program, program_of(plan));
    case StepId::user:
      return explain_user(plan, report);
    case StepId::devices: {
      const PreparedDevice* device = entry(plan.devices, report.argument);
      return errno_error(report.error, what, device ? device->path : "links in /dev")
          .about(Subject::setting, "devices");
    }
    case StepId::sysctls: {
      const PreparedWrite* write = entry(plan.sysctls, report.argument);
      const std::string shown = write ? write->shown : "";
      return errno_error(report.error, what, write ? "'" + shown + "'" : "")
          .about(Subject::setting, "sysctls/" + shown.substr(0, shown.find('=')));
    }
    case StepId::rlimits: {
      const Rlimit* limit = entry(plan.rlimits, report.argument);
      return limit ? explain_rlimit(*limit, report) : plain(nullptr);
    }
    case StepId::stdio:
      return errno_error(report.error, what, report.argument == stdio_null ? "/dev/null" : "");
    case StepId::readonly_paths:
      return plain(entry(plan.readonly, report.argument));
    case StepId::masked_paths:
      return plain(entry(plan.masked, report.argument));
    case StepId::working_directory:
      return errno_error(report.error, "chdir to cwd (\"" + plan.cwd + "\") set in config.json failed")
          .about(Subject::working_directory, plan.cwd);
    default:
      return plain(nullptr);
  }
}

// An external program reports the cause of an error only as text: "runc create failed: unable to start container
// process: exec: \"x\": executable file not found in $PATH: unknown"
Error explain_external(const std::string& text) {
  constexpr std::string_view program = "exec: \"";
  const std::size_t exec = text.find(program);
  if (exec == std::string::npos) {
    const bool directory = text.contains("chdir to cwd");
    return Error(Code::io, "external runtime").why(text).about(directory ? Subject::working_directory : Subject::none);
  }
  const bool missing = text.contains("not found") || text.contains("no such file");
  const std::size_t name = exec + program.size();
  return Error(missing ? Code::not_found : Code::denied, text.substr(exec))
      .about(Subject::program, text.substr(name, text.find('"', name) - name));
}

}  // namespace internal

int exit_code_of_failed_start(const Error& error) {
  if (error.subject() != Subject::program && error.subject() != Subject::working_directory) return 128;
  return error.code() == Code::not_found ? 127 : error.code() == Code::denied ? 126 : 128;
}

}  // namespace consort::runtime
