#include "supervisor/scope.hpp"

#include <signal.h>
#include <sys/stat.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "base/os/files/file.hpp"
#include "base/os/processes/shared_library.hpp"
#include "base/os/processes/user_namespace.hpp"
#include "base/strings.hpp"
#include "runtime/cgroup.hpp"

namespace consort::supervisor {
namespace {

using std::chrono::steady_clock;

constexpr char manager_name[] = "org.freedesktop.systemd1";
constexpr char manager_path[] = "/org/freedesktop/systemd1";
constexpr char manager_interface[] = "org.freedesktop.systemd1.Manager";
constexpr char unit_interface[] = "org.freedesktop.systemd1.Unit";
// consort-boot.service, which restarts containers at boot and stops them at shutdown.
constexpr char boot_unit[] = "consort-boot.service";
constexpr char boot_unit_path[] = "/org/freedesktop/systemd1/unit/consort_2dboot_2eservice";
constexpr std::chrono::seconds patience{5};  // for an answer; a machine that is booting or overloaded is slow

// libsystemd, which exists wherever systemd does; only the command that starts a project's supervisor needs it.
struct BusLibrary {
  decltype(&::sd_bus_open_system) open_system;
  decltype(&::sd_bus_open_user) open_user;
  decltype(&::sd_bus_flush_close_unref) close;
  decltype(&::sd_bus_set_method_call_timeout) set_timeout;
  decltype(&::sd_bus_match_signal) match_signal;
  decltype(&::sd_bus_call_method) call_method;
  decltype(&::sd_bus_get_property_string) get_string;
  decltype(&::sd_bus_process) process;
  decltype(&::sd_bus_wait) wait;
  decltype(&::sd_bus_message_read) read;
  decltype(&::sd_bus_error_free) free_error;
};

Result<BusLibrary> load_library() {
  SharedLibrary library = TRY(SharedLibrary::load({"libsystemd.so.0"}));
  BusLibrary functions{};
  library.find("sd_bus_open_system", functions.open_system);
  library.find("sd_bus_open_user", functions.open_user);
  library.find("sd_bus_flush_close_unref", functions.close);
  library.find("sd_bus_set_method_call_timeout", functions.set_timeout);
  library.find("sd_bus_match_signal", functions.match_signal);
  library.find("sd_bus_call_method", functions.call_method);
  library.find("sd_bus_get_property_string", functions.get_string);
  library.find("sd_bus_process", functions.process);
  library.find("sd_bus_wait", functions.wait);
  library.find("sd_bus_message_read", functions.read);
  library.find("sd_bus_error_free", functions.free_error);
  TRY(library.complete());
  return functions;
}

// The manager to ask: the machine's, or that of a user who is root only in a namespace. The bus uses the credentials
// that the kernel reports, not the ones inside the namespace.
enum class Manager : std::uint8_t { system, user };

// Checks for systemd of this machine, not of one outside a container that sees its sockets: pids would differ.
bool systemd_is_process_1() {
  const Result<std::string> name = read_file("/proc/1/comm", 64);
  return name && trim(*name) == "systemd" && path_exists("/run/systemd/system");
}

struct Job {
  const BusLibrary* library;
  std::string unit;
  std::string result;  // "done" or the reason for failure; "" until then
};

int on_job_removed(sd_bus_message* message, void* data, sd_bus_error*) {
  Job& job = *static_cast<Job*>(data);
  std::uint32_t id = 0;
  const char* path = nullptr;
  const char* unit = nullptr;
  const char* result = nullptr;
  if (job.library->read(message, "uoss", &id, &path, &unit, &result) >= 0 && job.unit == unit) job.result = result;
  return 0;
}

// Not SIGTERM, which would reach all processes of every container at the same moment: the supervisor stops containers,
// each with its own signal and grace period. The keeper treats SIGURG as that request; all other processes ignore it by
// default.
constexpr int scope_end_signal = SIGURG;
// Longer than any usual grace period, but short enough to wait for when a machine shuts down.
constexpr std::uint64_t longest_end_us = std::uint64_t{15} * 60 * 1'000'000;

// Units stop in the reverse order of "Before": consort-boot stops containers first, however long each takes; the scope
// stops them if that unit is not enabled. While that unit is stopping, systemd would delay the start of a unit ordered
// before it, and the unit itself may be waiting for this scope. Omitting the order loses nothing then, because the unit
// is already stopping the containers.
const char* unit_to_end_before(const BusLibrary& library, sd_bus* bus) {
  char* state = nullptr;
  const int got = library.get_string(bus, manager_name, boot_unit_path, unit_interface, "ActiveState", nullptr, &state);
  const std::unique_ptr<char, decltype(&::free)> owned(state, ::free);
  const bool stops = got >= 0 && std::string_view(state) == "deactivating";
  return stops ? "shutdown.target" : boot_unit;  // every scope stops before shutdown.target
}

Result<> call_start(const BusLibrary& library, sd_bus* bus, Manager manager, const std::string& unit,
                    const std::string& project, pid_t pid) {
  sd_bus_error error = SD_BUS_ERROR_NULL;
  const std::string description = "Containers of " + project;
  const char* const slice = manager == Manager::system ? "system.slice" : "app.slice";
  // The unit has no task limit, because it would apply to all containers together. Mounts that may contain volumes are
  // unmounted after the containers have stopped.
  const char* const before = unit_to_end_before(library, bus);
  const int called = library.call_method(bus, manager_name, manager_path, manager_interface, "StartTransientUnit",
                                         &error, nullptr, "ssa(sv)a(sa(sv))", unit.c_str(), "fail", 10,              //
                                         "Description", "s", description.c_str(),                                    //
                                         "Slice", "s", slice,                                                        //
                                         "Delegate", "b", 1,                                                         //
                                         "PIDs", "au", 1, static_cast<std::uint32_t>(pid),                           //
                                         "KillSignal", "i", static_cast<std::int32_t>(scope_end_signal),             //
                                         "TasksMax", "t", UINT64_MAX,                                                //
                                         "CollectMode", "s", "inactive-or-failed",                                   //
                                         "TimeoutStopUSec", "t", longest_end_us,                                     //
                                         "Before", "as", 1, before,                                                  //
                                         "After", "as", 3, "local-fs.target", "remote-fs.target", "network.target",  //
                                         0);
  if (called >= 0) return {};
  Error failed = errno_error(-called, "start unit", unit);
  if (error.message != nullptr) failed = Error(Code::io, "start unit").on(unit).why(error.message);
  library.free_error(&error);
  return fail(std::move(failed));
}

Result<> start_scope(Manager manager, const std::string& unit, const std::string& project, pid_t pid) {
  const BusLibrary library = TRY(load_library());
  sd_bus* opened = nullptr;
  const bool system = manager == Manager::system;
  if (const int got = system ? library.open_system(&opened) : library.open_user(&opened); got < 0)
    return fail_errno(-got, "connect to", system ? "the system bus" : "the bus of this user's session");
  const std::unique_ptr<sd_bus, decltype(library.close)> bus(opened, library.close);
  const auto microseconds = [](auto time) {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(time).count());
  };
  library.set_timeout(bus.get(), microseconds(patience));
  Job job{&library, unit, {}};
  if (const int got = library.match_signal(bus.get(), nullptr, manager_name, manager_path, manager_interface,
                                           "JobRemoved", on_job_removed, &job);
      got < 0)
    return fail_errno(-got, "listen to", "systemd");
  TRY(call_start(library, bus.get(), manager, unit, project, pid));
  const auto deadline = steady_clock::now() + patience;
  while (job.result.empty()) {
    const int done = library.process(bus.get(), nullptr);
    if (done < 0) return fail_errno(-done, "talk to", "systemd");
    if (done > 0) continue;
    const auto left = deadline - steady_clock::now();
    if (left <= left.zero()) return fail(Error(Code::busy, "start unit").on(unit).why("systemd does not answer"));
    library.wait(bus.get(), microseconds(left));
  }
  if (job.result == "done") return {};
  return fail(Error(Code::io, "start unit").on(unit).why(job.result));
}

}  // namespace

std::string scope_name(std::string_view project, pid_t pid) {
  std::string name = "consort-";
  for (const char c : project) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
    name += plain ? c : '_';
  }
  name.resize(std::min<std::size_t>(name.size(), 200));  // a unit name may have 255 characters
  return name + "-" + std::to_string(pid) + ".scope";
}

Result<> enter_scope(const std::string& project, pid_t pid) {
  if (::geteuid() != 0 || !systemd_is_process_1()) return {};
  const Manager manager = in_user_namespace() ? Manager::user : Manager::system;
  // systemd delegates only cgroup v2 to a user.
  if (manager == Manager::user && runtime::cgroup_version() != runtime::CgroupVersion::v2) return {};
  const std::string unit = scope_name(project, pid);
  TRY(start_scope(manager, unit, project, pid));
  return runtime::enter_delegated_leaf(unit, pid);
}

}  // namespace consort::supervisor
